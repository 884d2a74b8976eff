import { type JobSpec, reservationId, type WorkerId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { lineAt } from "./testing/lines.ts";
import { minute, type Setup, setup, startOf, success, waiting } from "./testing/setup.ts";

const hourMs = 3_600_000;

interface Start {
  readonly agoMs?: number;
  readonly target?: string;
  readonly keyId?: string;
}

/** Starts a job as workers do, so long ago by the clock of the ledger. */
async function startReserved(s: Setup, job: JobSpec, workerId: WorkerId, start: Start = {}) {
  const uuid = s.source.uuid();
  const { agoMs = 0, target = "a", keyId } = start;
  const reserved = {
    reservationId: reservationId(workerId, uuid),
    tenantId: job.tenantId,
    inputTokens: 12,
    outputTokens: 100,
    usd: 0.5,
  };
  const [{ at } = { at: 0 }] = await s.sql<{ at: number }[]>`SELECT clock_timestamp() AS at`;
  const startedAt = at - agoMs;
  const held = keyId === undefined ? undefined : { usd: 0.5, keyId };
  const from = { ...startOf(job, workerId, 0), targetId: target, startedAt, reserved, held };
  const [result] = await s.ledger.startAttempts([from]);
  if (result?.kind !== "started") throw new Error("not started");
  return { job, workerId, epoch: result.epoch, startedAt, id: reserved.reservationId };
}

const read = ({ ledger }: Setup, hours: "all" | "none" = "none") =>
  ledger.readUse({ windowMs: 62_000, hours });

describe("what counts for limits", () => {
  test("is nothing in a new ledger", async () => {
    const s = await setup();
    expect(await s.ledger.hasAttempts()).toBe(false);
    expect(await read(s, "all")).toEqual({ sent: [], hours: [], running: [], budgets: [] });
  });

  test("are calls of the window with what they took, by target and by tenant, from when they were sent", async () => {
    const s = await setup();
    const worker = await s.register();
    const start = async (change: Start) => startReserved(s, await s.accepted(), worker, change);
    const good = await start({ agoMs: 40_000 });
    const throttled = await start({ agoMs: 20_000 });
    const old = await start({ agoMs: 90_000 });
    const neverSent = await start({ agoMs: 10_000 });
    const other = await start({ agoMs: 20_000, target: "b" });
    expect(await s.ledger.hasAttempts()).toBe(true);
    const settle = (running: typeof good, afterMs: number) => ({
      ...success(running, s.newIds()),
      sentAt: running.startedAt + afterMs,
    });
    const retry = waiting(throttled, { avoidTarget: false, spentAttempt: true });
    await s.ledger.settle([
      settle(good, 100),
      { ...retry, sentAt: throttled.startedAt },
      settle(old, 0),
      waiting(neverSent, { avoidTarget: false, spentAttempt: true }),
      // It waited for a connection: late, and still in the window of the upstream.
      settle(other, 19_000),
    ]);
    const { sent, running } = await read(s);
    expect(running).toEqual([]);
    const of = (scope: string, id: string) => sent.filter((use) => use.scope === scope && use.id === id);
    const real = { requests: 1, inputTokens: 10, outputTokens: 20 };
    const estimated = { requests: 1, inputTokens: 12, outputTokens: 100 };
    expect(of("target", "a")).toMatchObject([estimated, real]);
    expect(of("target", "b")).toMatchObject([real]);
    expect(of("tenant", "default")).toMatchObject([real, estimated, real]);
    const [recent, early] = of("target", "a");
    expect(early?.agoMs).toBeGreaterThan(39_500);
    expect(early?.agoMs).toBeLessThan(60_000);
    expect(recent?.agoMs).toBeGreaterThan(19_500);
    expect(of("target", "b")[0]?.agoMs).toBeLessThan(19_000);
  });

  test("are calls under way, with what they were expected to take, also when their job is cancelled", async () => {
    const s = await setup();
    const worker = await s.register();
    const plain = await startReserved(s, await s.accepted(), worker, { agoMs: 5_000 });
    const cancelled = await startReserved(s, await s.accepted(), worker, { agoMs: 3_000 });
    await s.ledger.cancelJob(cancelled.job.tenantId, cancelled.job.id, Date.now(), s.newIds(), () => 1);
    const { running, sent } = await read(s);
    expect(sent).toEqual([]);
    expect(running.map(({ reservationId }) => reservationId)).toEqual([plain.id, cancelled.id]);
    expect(running[0]).toMatchObject({
      targetId: "a",
      tenantId: "default",
      inputTokens: 12,
      outputTokens: 100,
      usd: 0.5,
      budgets: [],
    });
    expect(running[0]?.startedAgoMs).toBeGreaterThanOrEqual(5_000);
    expect(running[0]?.leaseMs).toBeGreaterThan(minute);
    // The word of the call that was fenced off.
    await s.ledger.settle([{ ...success(cancelled, s.newIds()), sentAt: cancelled.startedAt }]);
    const after = await read(s);
    expect(after.running).toHaveLength(1);
    expect(after.sent.filter(({ scope }) => scope === "target")).toMatchObject([{ inputTokens: 10 }]);
  });

  test("say of a call whose worker has died that its lease is over", async () => {
    const s = await setup();
    const { id } = await startReserved(s, await s.accepted(), await s.register());
    await s.sql`UPDATE workers SET lease_until = clock_timestamp() - interval '5 seconds'`;
    const { running } = await read(s);
    expect(running).toMatchObject([{ reservationId: id }]);
    expect(running[0]?.leaseMs).toBeLessThanOrEqual(-5_000);
    const epoch = await s.leaderEpoch();
    await s.ledger.returnJobsOfDeadWorkers(epoch, Date.now(), s.newIds, () => 1);
    expect((await read(s)).running).toMatchObject([{ reservationId: id }]);
  });

  test("of a day are all calls by the hour, those under way at worst", async () => {
    const s = await setup();
    const worker = await s.register();
    const start = async (change: Start) => startReserved(s, await s.accepted(), worker, change);
    const [now, before, neverSent] = [
      await start({}),
      await start({ agoMs: 2 * hourMs }),
      await start({ agoMs: 2 * hourMs }),
    ];
    await start({ agoMs: 26 * hourMs });
    await s.ledger.settle([
      { ...success(before, s.newIds()), sentAt: before.startedAt },
      waiting(neverSent, { avoidTarget: false, spentAttempt: true }),
    ]);
    const { hours } = await read(s, "all");
    const hour = (at: number) => Math.floor(at / hourMs);
    expect(hours.filter(({ scope }) => scope === "target")).toEqual([
      { scope: "target", id: "a", hour: hour(before.startedAt), tokens: 30, usd: 0.0125 },
      { scope: "target", id: "a", hour: hour(now.startedAt), tokens: 112, usd: 0.5 },
    ]);
    expect(hours.filter(({ scope }) => scope === "tenant")).toHaveLength(2);
    expect((await read(s)).hours).toEqual([]);
  });

  test("of budgets is what was spent of those that calls under way are held against", async () => {
    const s = await setup();
    const worker = await s.register();
    const { batch, lines } = await s.runningBatch(2, { maxSpendUsd: 9 });
    const done = await startReserved(s, lineAt(lines, 1), worker, { keyId: "k" });
    await s.ledger.settle([{ ...success(done, s.newIds()), sentAt: done.startedAt }]);
    await startReserved(s, await s.accepted(), worker, { keyId: "k", agoMs: hourMs });
    expect((await read(s)).budgets).toEqual([]);
    const underWay = await startReserved(s, lineAt(lines, 2), worker, { keyId: "k" });
    const { running, budgets } = await read(s);
    const hour = Math.floor(underWay.startedAt / hourMs);
    const [key, total] = [
      { key: "key:k", window: "day" },
      { key: `batch:${batch.id}`, window: "total" },
    ];
    expect(running).toMatchObject([{ reservationId: underWay.id, budgets: [key, total] }]);
    expect(budgets).toEqual([
      { ...total, hour: 0, usd: 0.5125 },
      { ...key, hour: hour - 1, usd: 0.5 },
      { ...key, hour, usd: 0.5125 },
    ]);
  });

  test("of what an older worker started is that it may have been sent until it ended", async () => {
    const s = await setup();
    const worker = await s.register();
    const [{ at } = { at: 0 }] = await s.sql<{ at: number }[]>`SELECT clock_timestamp() AS at`;
    for (const agoMs of [30_000, 20_000]) {
      const job = await s.accepted();
      await s.ledger.startAttempts([{ ...startOf(job, worker, 0), startedAt: at - agoMs }]);
      if (agoMs === 20_000) continue;
      await s.ledger.settle([
        { ...success({ job, workerId: worker, epoch: 1 }, s.newIds()), endedAt: at - 25_000 },
      ]);
    }
    const { sent, running } = await read(s);
    expect(running).toEqual([]);
    expect(sent).toMatchObject([
      { scope: "target", id: "small-a", agoMs: 0, requests: 1, inputTokens: 0, outputTokens: 0 },
      { scope: "target", id: "small-a", requests: 1, inputTokens: 10, outputTokens: 20 },
    ]);
  });
});

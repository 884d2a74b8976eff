import { describe, expect, test } from "vitest";
import {
  ending,
  lineBytesOf,
  minute,
  setup,
  startOf,
  success,
  t0,
  tenant,
  waiting,
} from "./testing/setup.ts";

const failure = { code: "no_target", message: "No target." };

describe("leases of workers", () => {
  test("live while they are renewed and never again once they are over", async () => {
    const { ledger, register } = await setup();
    const worker = await register();
    expect(await ledger.renewLease(worker, minute)).toBe(true);
    await ledger.retire(worker);
    expect(await ledger.renewLease(worker, minute)).toBe(false);
    await ledger.register({ id: worker, host: "here", pid: 1, leaseMs: minute });
    expect(await ledger.renewLease(worker, minute)).toBe(false);
  });

  test("a worker whose lease is over starts nothing", async () => {
    const { ledger, register, accepted } = await setup();
    const worker = await register();
    const job = await accepted();
    await ledger.retire(worker);
    expect(await ledger.startAttempts([startOf(job, worker, 0)])).toEqual([{ kind: "lost" }]);
    expect(await ledger.listAttempts(tenant, job.id)).toEqual([]);
  });
});

describe("starting", () => {
  test("gives the job to one of two workers", async () => {
    const { ledger, open, register, accepted } = await setup();
    const other = open();
    const [a, b] = [await register(), await register()];
    for (let round = 0; round < 20; round += 1) {
      const job = await accepted();
      const [[first], [second]] = await Promise.all([
        ledger.startAttempts([startOf(job, a, 0)]),
        other.startAttempts([startOf(job, b, 0)]),
      ]);
      expect([first?.kind, second?.kind].sort()).toEqual(["lost", "started"]);
      const attempts = await ledger.listAttempts(tenant, job.id);
      expect(attempts.map(({ workerId }) => workerId)).toEqual([first?.kind === "started" ? a : b]);
    }
  });

  test("gives it to one of two calls in the same flush", async () => {
    const { ledger, register, accepted } = await setup();
    const [worker, job] = [await register(), await accepted()];
    const results = await ledger.startAttempts([startOf(job, worker, 0), startOf(job, worker, 0)]);
    expect(results).toEqual([{ kind: "started", epoch: 1 }, { kind: "lost" }]);
  });

  test("answers in the order of the calls, whatever the order of the ids", async () => {
    const { ledger, register, accepted } = await setup();
    const worker = await register();
    const [a, b, c] = [await accepted(), await accepted(), await accepted()];
    const results = await ledger.startAttempts([
      startOf(c, worker, 0),
      startOf(b, worker, 7),
      startOf(a, worker, 0),
    ]);
    expect(results.map(({ kind }) => kind)).toEqual(["started", "lost", "started"]);
  });

  test("loading tells whether the owner lives, and what became of ended jobs", async () => {
    const { ledger, started, load, newIds, accepted } = await setup();
    const running = await started();
    expect(await load(running.job)).toMatchObject({
      ...running.job,
      state: "running",
      epoch: 1,
      ownerAlive: true,
    });
    await ledger.retire(running.workerId);
    expect(await load(running.job)).toMatchObject({ state: "running", ownerAlive: false, attempts: 1 });
    await ledger.settle([success(running, newIds())]);
    const waitingJob = await accepted();
    const loaded = await ledger.load([waitingJob.id, running.job.id]);
    expect(loaded.map(({ state }) => state)).toEqual(["queued", "succeeded"]);
  });
});

describe("settling", () => {
  test("writes result, usage, cost and attempt together", async () => {
    const { ledger, started, newIds } = await setup();
    const running = await started();
    const text = '{"n":12345678901234567890,"n":"\\u0000"}';
    expect(await ledger.settle([success(running, newIds(), text)])).toEqual([
      { kind: "recorded", deliveryIds: [] },
    ]);
    expect(await ledger.findJob(tenant, running.job.id)).toMatchObject({
      state: "succeeded",
      attempts: 1,
      epoch: 1,
      finishedAt: t0 + 2000,
      targetId: "small-a",
      costUsd: 0.0125,
      usage: { inputTokens: 10, outputTokens: 20, cachedInputTokens: 3, reasoningTokens: 4 },
      result: {
        statusCode: 200,
        contentType: "application/json",
        upstreamRequestId: "req-1",
        body: { kind: "inline", bytes: Buffer.from(text) },
      },
    });
  });

  test("a stored result keeps its key; a list shows results without their bytes", async () => {
    const { ledger, started, newIds } = await setup();
    const running = await started();
    const settlement = success(running, newIds());
    if (settlement.next.kind !== "end" || settlement.next.result === undefined) throw new Error();
    const body = { kind: "stored", key: "sha256/cd", size: 70_001 } as const;
    const next = { ...settlement.next, result: { ...settlement.next.result, body } };
    await ledger.settle([{ ...settlement, next }]);
    expect((await ledger.findJob(tenant, running.job.id))?.result?.body).toEqual(body);
    const [listed] = (await ledger.listJobs(tenant, {}, { limit: 1, order: "asc" })).jobs;
    expect(listed?.result?.body).toEqual({ kind: "inline", bytes: Buffer.alloc(0) });
    expect(listed?.body).toEqual({ kind: "inline", bytes: Buffer.alloc(0) });
  });

  test("waiting keeps or gives back the attempt and remembers the target to avoid", async () => {
    const { ledger, started, load, register } = await setup();
    const worker = await register();
    const spent = await started({}, worker);
    const snoozed = await started({}, worker);
    await ledger.settle([
      waiting(spent, { avoidTarget: true, spentAttempt: true }),
      waiting(snoozed, { avoidTarget: false, spentAttempt: false }),
    ]);
    expect(await load(spent.job)).toMatchObject({
      state: "waiting",
      attempts: 1,
      failedTargets: ["small-a"],
      notBeforeAt: t0 + 5000,
    });
    expect(await load(snoozed.job)).toMatchObject({ state: "waiting", attempts: 0, failedTargets: [] });
    expect(await ledger.startAttempts([startOf(snoozed.job, worker, 1)])).toEqual([
      { kind: "started", epoch: 2 },
    ]);
  });

  test("is refused for another epoch, another worker, and a second time", async () => {
    const { ledger, started, newIds, register } = await setup();
    const running = await started();
    const wrong = [
      success({ ...running, epoch: 0 }, newIds()),
      success({ ...running, epoch: 2 }, newIds()),
      success({ ...running, workerId: await register() }, newIds()),
    ];
    expect(await ledger.settle(wrong)).toEqual(wrong.map(() => ({ kind: "fenced" })));
    const twice = [success(running, newIds(), "first"), success(running, newIds(), "second")];
    expect((await ledger.settle(twice)).map(({ kind }) => kind)).toEqual(["recorded", "fenced"]);
    const job = await ledger.findJob(tenant, running.job.id);
    expect(job?.result?.body).toEqual({ kind: "inline", bytes: Buffer.from("first") });
    expect((await ledger.listAttempts(tenant, running.job.id)).map(({ outcome }) => outcome)).toEqual([
      "succeeded",
    ]);
  });

  test("a lost owner that comes back late changes nothing and its attempt says so", async () => {
    const { ledger, open, started, newIds, leaderEpoch, register } = await setup();
    const late = await started();
    await ledger.retire(late.workerId);
    const moved = await ledger.returnJobsOfDeadWorkers(await leaderEpoch(), t0 + 50, newIds, lineBytesOf);
    expect(moved).toMatchObject([
      { jobId: late.job.id, state: "waiting", model: "auto", notBeforeAt: t0 + 50 },
    ]);
    const workerId = await register();
    const other = open();
    expect(await other.startAttempts([startOf(late.job, workerId, 1)])).toEqual([
      { kind: "started", epoch: 2 },
    ]);
    expect(await ledger.settle([success(late, newIds(), "late")])).toEqual([{ kind: "fenced" }]);
    await other.settle([success({ ...late, workerId, epoch: 2 }, newIds(), "right")]);
    const job = await ledger.findJob(tenant, late.job.id);
    expect(job?.result?.body).toEqual({ kind: "inline", bytes: Buffer.from("right") });
    const attempts = await ledger.listAttempts(tenant, late.job.id);
    expect(attempts).toMatchObject([
      { epoch: 1, outcome: "fenced", costUsd: 0.0125 },
      { epoch: 2, outcome: "succeeded" },
    ]);
  });

  test("a webhook's event and delivery commit with the outcome, and only then", async () => {
    const { ledger, started, newIds, sql } = await setup();
    const running = await started({ webhookUrl: "https://example.com/hook" });
    const fenced = newIds();
    await ledger.settle([success({ ...running, epoch: 9 }, fenced)]);
    expect(await ledger.overdueDeliveries(t0 + minute, 10)).toEqual([]);
    const ids = newIds();
    const [result] = await ledger.settle([success(running, ids)]);
    expect(result).toEqual({ kind: "recorded", deliveryIds: [ids.deliveryId] });
    expect(await ledger.overdueDeliveries(t0 + minute, 10)).toEqual([ids.deliveryId]);
    expect(await sql`SELECT type FROM events`).toMatchObject([{ type: "job.succeeded" }]);
  });

  test("two ledgers settle the same jobs in opposite order without losing one", async () => {
    const { ledger, open, started, newIds, register, sql } = await setup();
    const worker = await register();
    const other = open();
    const runs = await Promise.all(Array.from({ length: 100 }, () => started({}, worker)));
    const [here, there] = await Promise.all([
      ledger.settle(runs.map((running) => success(running, newIds()))),
      other.settle(runs.toReversed().map((running) => ending(running, "dead", newIds()))),
    ]);
    const winners = here.filter(({ kind }) => kind === "recorded").length;
    expect(winners + there.filter(({ kind }) => kind === "recorded").length).toBe(100);
    const [count] = await sql<
      { won: number }[]
    >`SELECT count(*) AS won FROM outcomes WHERE state = 'succeeded'`;
    expect(count?.won).toBe(winners);
  });
});

describe("ending what never started", () => {
  test("works on queued and waiting jobs of that epoch, never on running ones", async () => {
    const { ledger, started, accepted, newIds, register } = await setup();
    const worker = await register();
    const queued = await accepted();
    const waitingRun = await started({}, worker);
    const running = await started({}, worker);
    await ledger.settle([waiting(waitingRun, { avoidTarget: false, spentAttempt: true })]);
    const end = (jobId: typeof queued.id, fromEpoch: number, state: "expired" | "dead") => {
      return { jobId, fromEpoch, endedAt: t0, state, failure, lineBytes: 0, ids: newIds() };
    };
    const results = await ledger.endUnstarted([
      end(queued.id, 1, "expired"),
      end(queued.id, 0, "expired"),
      end(waitingRun.job.id, 1, "dead"),
      end(running.job.id, 1, "dead"),
    ]);
    expect(results.map(({ kind }) => kind)).toEqual(["fenced", "recorded", "recorded", "fenced"]);
    expect(await ledger.findJob(tenant, waitingRun.job.id)).toMatchObject({ state: "dead", failure });
  });
});

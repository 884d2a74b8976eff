import { type BatchId, type BatchSpec, idFromUuid, type JobSpec, uuidOf } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { bytesOf, find, lineAt } from "./testing/lines.ts";
import {
  ending,
  lineBytesOf,
  lineOf,
  minute,
  type Setup,
  setup,
  startOf,
  success,
  t0,
  tenant,
} from "./testing/setup.ts";

const heldUsd = 0.5;
const paidUsd = 0.0125;

/** Starts a line that a budget is held for, on a worker of its own. */
async function startHeld({ ledger, register }: Setup, job: JobSpec, keyId?: string, leaseMs?: number) {
  const workerId = await register(leaseMs);
  const held = { usd: heldUsd, keyId };
  await ledger.startAttempts([{ ...startOf(job, workerId, 0), held }]);
  return { job, workerId, epoch: 1 };
}

async function giveUpDeadWorkers({ ledger, newIds, sql }: Setup, epoch: number) {
  await sql`UPDATE workers SET lease_until = clock_timestamp()`;
  await ledger.returnJobsOfDeadWorkers(epoch, t0 + minute, newIds, lineBytesOf);
}

describe("what was spent", () => {
  test("of a batch is what its calls cost, and the most that those may cost which have not said", async () => {
    const s = await setup();
    const { batch, lines } = await s.runningBatch(4);
    const other = await s.runningBatch(1);
    await startHeld(s, lineAt(other.lines, 1));
    expect(await s.ledger.batchSpend(batch.id)).toBe(0);
    const done = await startHeld(s, lineAt(lines, 1));
    const failed = await startHeld(s, lineAt(lines, 2));
    const underWay = await startHeld(s, lineAt(lines, 3));
    expect(await s.ledger.batchSpend(batch.id)).toBeCloseTo(3 * heldUsd);
    await s.ledger.settle([success(done, s.newIds()), ending(failed, "dead", s.newIds())]);
    expect(await s.ledger.batchSpend(batch.id)).toBeCloseTo(paidUsd + heldUsd);
    const epoch = await s.leaderEpoch();
    await giveUpDeadWorkers(s, epoch);
    expect(await s.ledger.batchSpend(batch.id)).toBeCloseTo(paidUsd + heldUsd);
    // The late word of a call that was given up.
    await s.ledger.settle([success(underWay, s.newIds())]);
    expect(await s.ledger.batchSpend(batch.id)).toBeCloseTo(2 * paidUsd);
  });

  test("by a key is what the attempts cost that its budget was held for, since a moment", async () => {
    const s = await setup();
    const jobs = await Promise.all([1, 2, 3].map(() => s.accepted({ keyId: "k" })));
    const done = await startHeld(s, lineAt(jobs, 1), "k");
    await startHeld(s, lineAt(jobs, 2), "k");
    await startHeld(s, lineAt(jobs, 3), "other");
    await s.started({ keyId: "k" });
    await s.ledger.settle([success(done, s.newIds())]);
    expect(await s.ledger.keySpend("k", t0)).toBeCloseTo(paidUsd + heldUsd);
    expect(await s.ledger.keySpend("k", t0 + minute)).toBe(0);
    expect(await s.ledger.keySpend("nobody", t0)).toBe(0);
  });
});

describe("the budgets that a worker must know", () => {
  test("come with a job: that of its batch, and that of its key", async () => {
    const s = await setup();
    const { lines } = await s.runningBatch(1, { maxSpendUsd: 0.75 }, { keyId: "k" });
    const plain = await s.accepted({ keyId: "k" });
    await addKey(s, "k");
    expect(await s.load(lineAt(lines, 1))).toMatchObject({ maxSpendUsd: 0.75, keyUsdPerDay: undefined });
    await s.sql`UPDATE api_keys SET usd_per_day = 2.5 WHERE id = 'k'`;
    expect(await s.load(lineAt(lines, 1))).toMatchObject({ maxSpendUsd: 0.75, keyUsdPerDay: 2.5 });
    expect(await s.load(plain)).toMatchObject({ maxSpendUsd: undefined, keyUsdPerDay: 2.5 });
    expect(await s.ledger.findKey(Buffer.from("k"))).toMatchObject({ keyId: "k", usdPerDay: 2.5 });
    expect(await s.ledger.keyUsdPerDay("k")).toBe(2.5);
    expect(await s.ledger.keyUsdPerDay("nobody")).toBeUndefined();
  });

  test("are kept with the batch", async () => {
    const s = await setup();
    const { batch } = await s.runningBatch(1, { maxSpendUsd: 1e-6, stopOnErrorRate: 0.05 });
    expect(await find(s, batch.id)).toMatchObject({ maxSpendUsd: 1e-6, stopOnErrorRate: 0.05 });
  });
});

async function addKey({ ledger }: Setup, id: string) {
  await ledger.ensureTenant(tenant, t0);
  await ledger.ensureKey({
    id,
    tenantId: tenant,
    role: "member",
    hash: Buffer.from(id),
    hint: id,
    name: id,
    now: t0,
  });
}

describe("a batch whose money is used up", () => {
  test("says so, starts nothing more, lets what runs end, and is cancelled with its event", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const { batch, lines } = await s.runningBatch(3, { maxSpendUsd: 1, webhookUrl: "https://example.com/" });
    const runs = await startHeld(s, lineAt(lines, 1));
    expect(await ledger.stopBatch(batch.id, t0 + minute)).toBe(true);
    expect(await ledger.stopBatch(batch.id, t0 + 2 * minute)).toBe(false);
    const error = {
      code: "max_spend_reached",
      line: null,
      message: expect.any(String),
      param: "max_spend_usd",
    };
    expect(await find(s, batch.id)).toMatchObject({
      status: "cancelling",
      cancellingAt: t0 + minute,
      errors: [error],
    });
    const late = await s.register();
    expect(await ledger.startAttempts([startOf(lineAt(lines, 2), late, 0)])).toEqual([{ kind: "lost" }]);

    const epoch = await s.leaderEpoch();
    expect(await ledger.finaliseBatches(epoch, t0 + minute, newIds, lineBytesOf)).toEqual([]);
    const left = await ledger.findJob(tenant, lineAt(lines, 2).id);
    expect(left).toMatchObject({ state: "cancelled", failure: { code: "batch_budget_exhausted" } });
    await ledger.settle([success(runs, newIds())]);
    const [ended] = await ledger.finaliseBatches(epoch, t0 + minute, newIds, lineBytesOf);
    expect(ended).toMatchObject({
      id: batch.id,
      status: "cancelled",
      deliveryIds: [expect.stringMatching(/^dlv_/)],
    });
    expect(await find(s, batch.id)).toMatchObject({
      status: "cancelled",
      errors: [error],
      counts: { succeeded: 1, cancelled: 2, errorBytes: 2 * bytesOf("line-2", "batch_budget_exhausted") },
    });
  });

  test("is left alone when it is not in progress", async () => {
    const s = await setup();
    const validating = s.batch();
    await s.ledger.createBatch(validating);
    const cancelled = await s.runningBatch(1);
    await s.ledger.cancelBatch(tenant, cancelled.batch.id, t0, s.newIds, lineBytesOf);
    for (const { id } of [validating, cancelled.batch]) expect(await s.ledger.stopBatch(id, t0)).toBe(false);
    expect((await find(s, cancelled.batch.id)).errors).toEqual([]);
    const line = await s.ledger.findJob(tenant, lineAt(cancelled.lines, 1).id);
    expect(line?.failure?.code).toBe("batch_cancelled");
  });
});

/** Lets lines of a batch end, as if as many workers had done it. */
async function endLines(
  { sql }: Setup,
  batch: BatchSpec,
  ends: { good: number; bad: number; cancelled?: number },
) {
  const { good, bad, cancelled = 0 } = ends;
  await sql`
    INSERT INTO batch_counts (batch_id, succeeded, failed, dead, cancelled, expired, input_tokens, output_tokens,
      cached_input_tokens, reasoning_tokens, output_bytes, error_bytes, cost_usd)
    VALUES (${uuidOf("batch", batch.id)}, ${good}, 0, 0, ${cancelled}, 0, 0, 0, 0, 0, 0, 0, 0),
      (${uuidOf("batch", batch.id)}, 0, 1, ${bad - 2}, 0, 1, 0, 0, 0, 0, 0, 0, 0)`;
}

describe("a batch of whose lines too many fail", () => {
  test("is ended from its rate and a least number of lines on", async () => {
    const s = await setup();
    const cases = [
      { good: 15, bad: 5, rate: 0.25, stops: false },
      { good: 15, bad: 6, rate: 0.25, stops: true },
      { good: 0, bad: 19, rate: 0.01, stops: false },
      { good: 0, bad: 20, rate: 0.01, stops: true },
      // Lines that were cancelled say nothing.
      { good: 10, bad: 9, cancelled: 50, rate: 0.01, stops: false },
      { good: 20, bad: 10, cancelled: 50, rate: 0.3, stops: true },
      // A hundredth of the lines must have ended.
      { good: 0, bad: 20, rate: 0.01, total: 2_001, stops: false },
      { good: 0, bad: 21, rate: 0.01, total: 2_001, stops: true },
    ];
    const ids: BatchId[] = [];
    for (const { rate, total = 100, ...ends } of cases) {
      const { batch } = await s.runningBatch(1, { stopOnErrorRate: rate });
      ids.push(batch.id);
      await s.sql`UPDATE batches SET total = ${total} WHERE id = ${uuidOf("batch", batch.id)}`;
      await endLines(s, batch, ends);
    }
    const stopped = await s.ledger.stopFailingBatches(await s.leaderEpoch(), t0 + minute);
    expect(cases.map((one, index) => ({ ...one, stops: stopped.includes(ids[index] ?? "batch_") }))).toEqual(
      cases,
    );
    for (const [index, id] of ids.entries()) {
      const { status, errors } = await find(s, id);
      const codes = errors.map(({ code }) => code);
      const expected = cases[index]?.stops ? ["cancelling", ["error_rate_exceeded"]] : ["in_progress", []];
      expect([status, codes]).toEqual(expected);
    }
  });

  test("is ended once, with lines that say why, and only by the leader", async () => {
    const s = await setup();
    const { batch, lines } = await s.runningBatch(2, { stopOnErrorRate: 0.1 });
    const patient = await s.runningBatch(2);
    for (const one of [batch, patient.batch]) await endLines(s, one, { good: 10, bad: 10 });
    const epoch = await s.leaderEpoch();
    expect(await s.ledger.stopFailingBatches(epoch + 1, t0)).toEqual([]);
    expect(await s.ledger.stopFailingBatches(epoch, t0)).toEqual([batch.id]);
    expect(await s.ledger.stopFailingBatches(epoch, t0)).toEqual([]);
    await s.ledger.finaliseBatches(epoch, t0, s.newIds, lineBytesOf);
    const line = await s.ledger.findJob(tenant, lineAt(lines, 1).id);
    expect(line).toMatchObject({ state: "cancelled", failure: { code: "batch_error_rate_exceeded" } });
    expect((await find(s, batch.id)).status).toBe("cancelled");
    expect((await find(s, patient.batch.id)).status).toBe("in_progress");
  });
});

test("a line that was redriven counts with its first attempts too", async () => {
  const s = await setup();
  const { batch, lines } = await s.runningBatch(2);
  const first = await startHeld(s, lineAt(lines, 1));
  await s.ledger.settle([ending(first, "dead", s.newIds())]);
  await s.sql`UPDATE attempts SET cost_usd = 0.25`;
  const id = idFromUuid("job", s.source.uuid());
  const plan = () => ({
    id,
    deadlineAt: t0 + minute,
    effectiveDeadlineAt: t0,
    routing: {},
    candidateSet: "set",
  });
  await s.ledger.redriveJobs({ tenant, ids: [lineAt(lines, 1).id], now: t0, plan, lineBytesOf });
  await startHeld(s, s.spec({ id, batchLine: lineOf(batch, 1) }));
  expect(await s.ledger.batchSpend(batch.id)).toBeCloseTo(0.25 + heldUsd);
});

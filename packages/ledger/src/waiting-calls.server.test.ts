import { type JobSpec, triesWithinMs } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { claimOf, minute, setup, startOf, t0, tenant } from "./testing/setup.ts";

/** Calls with equal bytes and no key of their own: each carries the id of the job that it would make. */
async function setupCalls() {
  const s = await setup();
  function call(tryOfCall: "first" | "another", at = t0) {
    const job = s.accept({ acceptedAt: at });
    return { ...job, idempotency: { ...claimOf("bytes", "body", job.spec.id), tryOfCall } };
  }
  type Call = ReturnType<typeof call>;
  /** Which job each of these calls, made at once, is answered with. */
  async function jobsOf(calls: readonly Call[], ledger = s.ledger): Promise<string[]> {
    const results = await ledger.acceptJobs(calls);
    return results.map((result, index) => {
      if (result.kind === "accepted") return calls[index]?.spec.id ?? "";
      if (result.kind !== "replayed") throw new Error(result.kind);
      return (JSON.parse(result.body) as { id: string }).id;
    });
  }
  async function leave({ id }: Pick<JobSpec, "id">): Promise<boolean> {
    const call = { tenantId: tenant, jobId: id, key: claimOf("bytes", "", "") };
    return (await s.ledger.leaveJob(call, t0, s.newIds())) !== undefined;
  }
  const stateOf = async ({ id }: Pick<JobSpec, "id">) => (await s.ledger.findJob(tenant, id))?.state;
  return { ...s, call, jobsOf, leave, stateOf };
}

describe("tries of a call", () => {
  test("first ones make a job each, also in one statement; others join the newest", async () => {
    const { call, jobsOf } = await setupCalls();
    const [a, b, c] = [call("first"), call("first"), call("first")] as const;
    expect(await jobsOf([a, b])).toEqual([a.spec.id, b.spec.id]);
    expect(await jobsOf([c])).toEqual([c.spec.id]);
    expect(await jobsOf([call("another"), call("another")])).toEqual([c.spec.id, c.spec.id]);
  });

  test("that arrive without the first make one job together, from however many processes", async () => {
    const { call, jobsOf, ledger, open } = await setupCalls();
    const ledgers = [ledger, open(), open()];
    const calls = ledgers.map(() => Array.from({ length: 7 }, () => call("another")));
    const jobs = await Promise.all(calls.map((some, index) => jobsOf(some, ledgers[index])));
    expect(new Set(jobs.flat()).size).toBe(1);
    expect((await ledger.listJobs(tenant, {}, { limit: 100, order: "asc" })).jobs).toHaveLength(1);
  });

  test("join for ten minutes, and then make a job of their own", async () => {
    const { call, jobsOf } = await setupCalls();
    const first = call("first");
    await jobsOf([first]);
    expect(await jobsOf([call("another", t0 + triesWithinMs)])).toEqual([first.spec.id]);
    const late = call("another", t0 + triesWithinMs + 1);
    expect(await jobsOf([late])).toEqual([late.spec.id]);
  });

  test("that would be refused now find the job that they repeat, and a first one finds none", async () => {
    const { call, jobsOf, ledger } = await setupCalls();
    const first = call("first");
    await jobsOf([first]);
    const find = (one: ReturnType<typeof call>, at: number) => ledger.findClaim(tenant, one.idempotency, at);
    expect(await find(call("another"), t0 + minute)).toMatchObject({ kind: "replayed" });
    expect(await find(call("another"), t0 + triesWithinMs + 1)).toBeUndefined();
    expect(await find(call("first"), t0)).toBeUndefined();
  });
});

describe("a caller that goes", () => {
  test("takes its job along, and the key: the next try makes another", async () => {
    const { call, jobsOf, leave, stateOf, ledger } = await setupCalls();
    const first = call("first");
    await jobsOf([first]);
    expect(await leave(first.spec)).toBe(true);
    expect(await ledger.findJob(tenant, first.spec.id)).toMatchObject({
      state: "cancelled",
      failure: { code: "caller_gone" },
    });
    const again = call("another");
    expect(await jobsOf([again])).toEqual([again.spec.id]);
    expect(await leave(first.spec)).toBe(false);
    expect(await stateOf(again.spec)).toBe("queued");
  });

  test("leaves the job to those that have joined, of this statement or another, until the last goes", async () => {
    const { call, jobsOf, leave, ledger, stateOf } = await setupCalls();
    const first = call("first");
    await jobsOf([first, call("another")]);
    await jobsOf([call("another"), call("another")]);
    await ledger.findClaim(tenant, call("another").idempotency, t0);
    const left: boolean[] = [];
    for (let callers = 0; callers < 5; callers += 1) left.push(await leave(first.spec));
    expect(left).toEqual([false, false, false, false, true]);
    expect(await stateOf(first.spec)).toBe("cancelled");
  });

  test("leaves a job alone whose first attempt has begun", async () => {
    const { call, jobsOf, leave, ledger, register, stateOf } = await setupCalls();
    const first = call("first");
    await jobsOf([first]);
    await ledger.startAttempts([startOf(first.spec, await register(), 0)]);
    expect(await leave(first.spec)).toBe(false);
    expect(await stateOf(first.spec)).toBe("running");
    expect(await jobsOf([call("another")])).toEqual([first.spec.id]);
  });

  test("takes its job along when an equal call has the key by now, and leaves that one's alone", async () => {
    const { call, jobsOf, leave, stateOf } = await setupCalls();
    const [first, equal] = [call("first"), call("first")];
    await jobsOf([first]);
    await jobsOf([equal]);
    expect(await leave(first.spec)).toBe(true);
    expect([await stateOf(first.spec), await stateOf(equal.spec)]).toEqual(["cancelled", "queued"]);
  });

  test("and one that comes at the same moment agree: the job is cancelled, or joined and goes on", async () => {
    const { call, jobsOf, leave, stateOf, open } = await setupCalls();
    const elsewhere = open();
    for (let round = 0; round < 20; round += 1) {
      const first = call("first");
      await jobsOf([first]);
      const [left, [joined]] = await Promise.all([leave(first.spec), jobsOf([call("another")], elsewhere)]);
      expect(await stateOf(first.spec)).toBe(left ? "cancelled" : "queued");
      expect(joined === first.spec.id).toBe(!left);
    }
  });
});

test("claims are forgotten when their time is over, at most so many at once, by the leader alone", async () => {
  const { ledger, call, jobsOf, accept, leaderEpoch, sql } = await setupCalls();
  await jobsOf([call("first")]);
  await ledger.acceptJobs(["a", "b"].map((key) => accept({}, { idempotency: claimOf(key, key, key) })));
  const kept = async () =>
    (await sql`SELECT key FROM idempotency_keys ORDER BY key`).map(({ key }) => String(key));
  const epoch = await leaderEpoch();
  expect(await ledger.forgetClaims(epoch, t0 + triesWithinMs - 1, 10)).toBe(0);
  expect(await ledger.forgetClaims(epoch + 1, t0 + triesWithinMs, 10)).toBe(0);
  expect(await ledger.forgetClaims(epoch, t0 + triesWithinMs, 10)).toBe(1);
  expect(await kept()).toEqual(["a", "b"]);
  expect(await ledger.forgetClaims(epoch, t0 + 24 * 60 * minute, 1)).toBe(1);
  expect(await kept()).toHaveLength(1);
});

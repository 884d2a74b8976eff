import type { JobSpec } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { die, page, redrive } from "./testing/redrive.ts";
import { ending, minute, setup, startOf, t0, tenant, waiting } from "./testing/setup.ts";

describe("dead letters", () => {
  test("say how each call ended, and are grouped by cause, model and target", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const dies = async (status: number | undefined, changes: Partial<JobSpec> = {}) => {
      const first = await s.started(changes);
      const failing = { outcome: "overloaded", statusCode: 503 } as const;
      await ledger.settle([{ ...waiting(first, { avoidTarget: true, spentAttempt: true }), ...failing }]);
      await ledger.startAttempts([startOf(first.job, first.workerId, 1)]);
      const last = ending({ ...first, epoch: 2 }, "dead", newIds());
      await ledger.settle([
        status === undefined
          ? { ...last, outcome: "timed-out" }
          : { ...last, outcome: "overloaded", statusCode: status },
      ]);
      return first.job;
    };
    const [one, two, three] = [await dies(undefined), await dies(503), await dies(503)];
    const other = await dies(503, { model: "gpt-4o-mini" });
    await s.started();

    const letters = await ledger.listDeadLetters(tenant, {}, page);
    expect(letters.map(({ jobId }) => jobId)).toEqual([one.id, two.id, three.id, other.id]);
    expect(letters[0]).toMatchObject({
      cause: "attempts_exhausted: overloaded 503, timed-out",
      calls: [
        { outcome: "overloaded", statusCode: 503, count: 1 },
        { outcome: "timed-out", statusCode: undefined, count: 1 },
      ],
      failure: { code: "attempts_exhausted" },
      targetId: "small-a",
      attempts: 2,
      diedAt: t0 + 2000,
    });
    expect(letters[1]?.calls).toEqual([{ outcome: "overloaded", statusCode: 503, count: 2 }]);
    const alike = { targetId: "small-a", oldestAt: t0 + 2000, newestAt: t0 + 2000 };
    expect(await ledger.groupDeadLetters(tenant, {})).toEqual([
      {
        cause: "attempts_exhausted: overloaded 503",
        model: "auto",
        ...alike,
        count: 2,
        sampleIds: [two.id, three.id],
      },
      {
        cause: "attempts_exhausted: overloaded 503",
        model: "gpt-4o-mini",
        ...alike,
        count: 1,
        sampleIds: [other.id],
      },
      {
        cause: "attempts_exhausted: overloaded 503, timed-out",
        model: "auto",
        ...alike,
        count: 1,
        sampleIds: [one.id],
      },
    ]);

    const idsOf = async (filter: Parameters<typeof ledger.listDeadLetters>[1]) =>
      (await ledger.listDeadLetters(tenant, filter, page)).map(({ jobId }) => jobId);
    expect(await idsOf({ cause: "attempts_exhausted: overloaded 503, timed-out" })).toEqual([one.id]);
    expect(await idsOf({ cause: "attempts_exhausted", model: "gpt-4o-mini" })).toEqual([other.id]);
    expect(await idsOf({ cause: "no_target" })).toEqual([]);
    expect(await idsOf({ since: t0 + 2001 })).toEqual([]);
    expect(await idsOf({ since: t0 + 2000, until: t0 + 2000, ids: [two.id] })).toEqual([two.id]);
    const rest = await ledger.listDeadLetters(tenant, {}, { after: two.id, limit: 1, order: "desc" });
    expect(rest.map(({ jobId }) => jobId)).toEqual([one.id]);
    expect(await ledger.listDeadLetters("other" as typeof tenant, {}, page)).toEqual([]);
  });
});

describe("redriving", () => {
  test("makes a new job of the same request, once, and tells each of the other", async () => {
    const s = await setup();
    const body = { kind: "inline", bytes: Buffer.from('{"n":10000000000000000001,"n":1}') } as const;
    const old = await s.accepted({ body, metadata: { a: "b" }, routing: { region: "eu" }, priority: 3 });
    await die(s, old);
    const alive = await s.accepted();
    const [made, ...others] = await redrive(s, [old.id, alive.id]);
    expect([made?.from, others]).toEqual([old.id, []]);
    expect(await s.ledger.findJob(tenant, made?.to ?? "job_")).toMatchObject({
      state: "queued",
      attempts: 0,
      body,
      metadata: { a: "b" },
      priority: 3,
      routing: { region: "eu", pools: ["large"] },
      candidateSet: "large",
      acceptedAt: t0 + minute,
      deadlineAt: t0 + 11 * minute,
      effectiveDeadlineAt: t0 + 11 * minute - 1,
      redrivenFrom: old.id,
      redrivenAs: undefined,
    });
    expect(await s.ledger.findJob(tenant, old.id)).toMatchObject({
      state: "dead",
      redrivenAs: made?.to,
      redrivenFrom: undefined,
    });
    expect(await s.ledger.listDeadLetters(tenant, {}, page)).toEqual([]);
    expect(await redrive(s, [old.id])).toEqual([]);
    expect(await s.ledger.sampleJobs(["large"])).toMatchObject([{ id: made?.to }]);
  });

  test("many at once redrive a job only once", async () => {
    const s = await setup();
    const jobs = await Promise.all(Array.from({ length: 20 }, () => s.accepted()));
    for (const job of jobs) await die(s, job);
    const ids = jobs.map(({ id }) => id);
    const others = [s.open(), s.open(), s.ledger];
    const made = await Promise.all(
      others.map((on, index) => redrive(s, index === 1 ? ids.toReversed() : ids, on)),
    );
    expect(
      made
        .flat()
        .map(({ from }) => from)
        .sort(),
    ).toEqual(ids.toSorted());
    const [{ count } = { count: 0 }] = await s.sql<{ count: number }[]>`SELECT count(*) FROM live_jobs`;
    expect(count).toBe(20);
  });

  test("does nothing for another tenant", async () => {
    const s = await setup();
    const old = await s.accepted({ tenantId: "other" as typeof tenant });
    await die(s, old);
    expect(await redrive(s, [old.id])).toEqual([]);
  });
});

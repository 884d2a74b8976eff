import { idFromUuid } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import {
  claimOf,
  lineBytesOf,
  minute,
  route,
  setup,
  startOf,
  success,
  t0,
  tenant,
  waiting,
} from "./testing/setup.ts";

describe("accepting", () => {
  test("keeps every field and the request's very bytes", async () => {
    const { ledger, accept } = await setup();
    const job = accept({
      body: { kind: "inline", bytes: Buffer.from([0, 34, 92, 255, 123, 125]) },
      capabilities: ["tools", 'odd "name"\\'],
      metadata: { 'k"\\': "ü{},NULL" },
      routing: { pools: ["small"], maxPrice: 1.5 },
      priority: 7,
      maxOutputTokens: 99,
      webhookUrl: "https://example.com/hook?a=1",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect(await ledger.acceptJobs([job])).toEqual([{ kind: "accepted" }]);
    expect(await ledger.findJob(tenant, job.spec.id)).toEqual({
      ...job.spec,
      state: "queued",
      attempts: 0,
      epoch: 0,
    });
  });

  test("keeps the key of a stored request", async () => {
    const { ledger, accepted } = await setup();
    const job = await accepted({ body: { kind: "stored", key: "sha256/ab", size: 70_000 } });
    const found = await ledger.findJob(tenant, job.id);
    expect(found?.body).toEqual({ kind: "stored", key: "sha256/ab", size: 70_000 });
  });

  test("answers many calls of one turn in one statement, each with its own result", async () => {
    const { ledger, accept, sql } = await setup();
    const jobs = Array.from({ length: 700 }, () => accept());
    const results = await Promise.all(jobs.map((job) => ledger.acceptJobs([job])));
    expect(results).toEqual(jobs.map(() => [{ kind: "accepted" }]));
    const [count] = await sql<{ jobs: number; transactions: number }[]>`
      SELECT (SELECT count(*) FROM live_jobs) AS jobs, count(DISTINCT xmin::text) AS transactions FROM live_jobs`;
    expect(count).toEqual({ jobs: 700, transactions: 2 });
  });

  test("a row that cannot be stored fails alone", async () => {
    const { ledger, accept } = await setup();
    const [good, bad, other] = [accept(), accept({ sla: "nul\0" }), accept()];
    const results = await Promise.allSettled([good, bad, other].map((job) => ledger.acceptJobs([job])));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await ledger.findJob(tenant, other.spec.id)).toBeDefined();
  });

  test("an error names neither the row nor its values", async () => {
    const { ledger, accept } = await setup();
    const job = accept({ body: { kind: "inline", bytes: Buffer.from("secret prompt") } });
    await ledger.acceptJobs([job]);
    const error: unknown = await ledger.acceptJobs([job]).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/^LedgerError: ledger.acceptJobs failed with 23505/);
    expect(Object.values(error as object).join()).not.toMatch(/secret|7365637265/);
    expect((error as Error).cause).toBeUndefined();
  });
});

describe("idempotency keys", () => {
  test("a repeat answers as the first call did, also in the same flush and from another process", async () => {
    const { ledger, accept, open } = await setup();
    const [first, same, late, elsewhere] = ["a", "b", "c", "d"].map((id) =>
      accept({}, { idempotency: claimOf("key", "body", id) }),
    ) as [
      ReturnType<typeof accept>,
      ReturnType<typeof accept>,
      ReturnType<typeof accept>,
      ReturnType<typeof accept>,
    ];
    const answer = { kind: "replayed", status: 202, body: '{"id":"a"}' };
    const flush = await Promise.all([ledger.acceptJobs([first]), ledger.acceptJobs([same])]);
    expect(flush).toEqual([[{ kind: "accepted" }], [answer]]);
    expect(await ledger.acceptJobs([late])).toEqual([answer]);
    expect(await open().acceptJobs([elsewhere])).toEqual([answer]);
    const all = (await ledger.listJobs(tenant, {}, { limit: 10, order: "asc" })).jobs;
    expect(all.map(({ id }) => id)).toEqual([first.spec.id]);
  });

  test("another body under the same key is refused, in the same flush and later", async () => {
    const { ledger, accept } = await setup();
    const [first, other, late] = ["1", "2", "3"].map((text) =>
      accept({}, { idempotency: claimOf("key", text, text) }),
    );
    if (!first || !other || !late) throw new Error();
    expect(await ledger.acceptJobs([first, other])).toEqual([{ kind: "accepted" }, { kind: "key-reused" }]);
    expect(await ledger.acceptJobs([late])).toEqual([{ kind: "key-reused" }]);
  });

  test("of two processes with the same key at the same time, one wins and the other waits for its answer", async () => {
    const { ledger, accept, open } = await setup();
    const ledgers = [ledger, open(), open()];
    for (let round = 0; round < 20; round += 1) {
      const jobs = ledgers.map((_, index) =>
        accept({}, { idempotency: claimOf(`key-${round}`, "body", `${index}`) }),
      );
      const results = await Promise.all(
        jobs.map((job, index) => (ledgers[index] ?? ledger).acceptJobs([job])),
      );
      const winner = results.findIndex((result) => result[0]?.kind === "accepted");
      const replay = { kind: "replayed", status: 202, body: `{"id":"${winner}"}` };
      const expected = jobs.map((_, index) => [index === winner ? { kind: "accepted" } : replay]);
      expect(results).toEqual(expected);
    }
    expect((await ledger.listJobs(tenant, {}, { limit: 100, order: "asc" })).jobs).toHaveLength(20);
  });

  test("keys are apart by tenant and route, and a key of the day before counts as absent", async () => {
    const { ledger, accept } = await setup();
    const claim = claimOf("key", "body", "a");
    const day = 24 * 60 * minute;
    const calls = [
      accept({}, { idempotency: claim }),
      accept({}, { idempotency: { ...claim, route: "POST /v1/batches" } }),
      accept({ tenantId: "other" as typeof tenant }, { idempotency: claim }),
    ];
    expect(await ledger.acceptJobs(calls)).toEqual(calls.map(() => ({ kind: "accepted" })));
    const found = { kind: "replayed", status: 202, body: '{"id":"a"}' };
    expect(await ledger.findClaim(tenant, claim, t0 + day)).toEqual(found);
    expect(await ledger.findClaim(tenant, claimOf("key", "another", ""), t0)).toEqual({ kind: "key-reused" });
    expect(await ledger.findClaim(tenant, claim, t0 + day + 1)).toBeUndefined();
    expect(await ledger.findClaim("third" as typeof tenant, claim, t0)).toBeUndefined();
    const tomorrow = accept({ acceptedAt: t0 + day + 1 }, { idempotency: claimOf("key", "another", "b") });
    expect(await ledger.acceptJobs([tomorrow])).toEqual([{ kind: "accepted" }]);
    const repeat = accept({ acceptedAt: t0 + day + 2 }, { idempotency: claimOf("key", "another", "c") });
    expect(await ledger.acceptJobs([repeat])).toEqual([
      { kind: "replayed", status: 202, body: '{"id":"b"}' },
    ]);
  });
});

describe("reading", () => {
  test("a job belongs to its tenant alone", async () => {
    const { ledger, accepted } = await setup();
    const job = await accepted();
    const stranger = "other" as typeof tenant;
    expect(await ledger.findJob(stranger, job.id)).toBeUndefined();
    expect((await ledger.listJobs(stranger, {}, { limit: 10, order: "asc" })).jobs).toEqual([]);
    expect(await ledger.listAttempts(stranger, job.id)).toEqual([]);
    expect(await ledger.findRoute(stranger, job.id)).toBeUndefined();
    expect(
      await ledger.findJob(tenant, idFromUuid("job", "00000000-0000-7000-8000-000000000000")),
    ).toBeUndefined();
  });

  test("lists filter by state, batch, model, class and metadata, and page both ways", async () => {
    const { ledger, accepted, runningBatch, started } = await setup();
    const a = await accepted({ model: "small", metadata: { team: "x", n: "1" } });
    const b = await accepted({ sla: "interactive" });
    const { job: c } = await started();
    const { batch, lines } = await runningBatch(2);
    const list = async (...[filter, page]: [Parameters<typeof ledger.listJobs>[1], object?]) =>
      (await ledger.listJobs(tenant, filter, { limit: 10, order: "asc", ...page })).jobs.map(({ id }) => id);
    const lineIds = lines.map(({ id }) => id);
    expect(await list({})).toEqual([a.id, b.id, c.id, ...lineIds]);
    expect(await list({ model: "small" })).toEqual([a.id]);
    expect(await list({ sla: "interactive" })).toEqual([b.id]);
    expect(await list({ metadata: { team: "x" } })).toEqual([a.id]);
    expect(await list({ states: ["running", "dead"] })).toEqual([c.id]);
    expect(await list({ batchId: batch.id })).toEqual(lineIds);
    expect(await list({}, { limit: 2, after: a.id })).toEqual([b.id, c.id]);
    expect(await list({}, { limit: 2, after: c.id, order: "desc" })).toEqual([b.id, a.id]);
  });

  test("the attempts, the newest decision and the ended jobs can be read", async () => {
    const { ledger, started, newIds, accepted } = await setup();
    const first = await started();
    await ledger.settle([waiting(first, { avoidTarget: true, spentAttempt: true })]);
    const second = { ...first, epoch: 2 };
    const decision = { ...route, chosen: "small-b" };
    await ledger.startAttempts([
      { ...startOf(first.job, first.workerId, 1), targetId: "small-b", route: decision },
    ]);
    expect(await ledger.endedAmong([first.job.id])).toEqual([]);
    await ledger.settle([success(second, newIds())]);
    expect(await ledger.findRoute(tenant, first.job.id)).toEqual(decision);
    expect(await ledger.listAttempts(tenant, first.job.id)).toMatchObject([
      { epoch: 1, targetId: "small-a", outcome: "throttled", statusCode: 429, workerId: first.workerId },
      { epoch: 2, outcome: "succeeded", latencyMs: 900.5, costUsd: 0.0125, usage: { outputTokens: 20 } },
    ]);
    const live = await accepted();
    expect(await ledger.endedAmong([live.id, first.job.id])).toEqual([first.job.id]);
  });
});

describe("cancelling a job", () => {
  test("ends it, once, and answers what it is", async () => {
    const { ledger, accepted, newIds } = await setup();
    const job = await accepted();
    const cancelled = await ledger.cancelJob(tenant, job.id, t0 + 5, newIds(), lineBytesOf);
    expect(cancelled).toMatchObject({
      state: "cancelled",
      finishedAt: t0 + 5,
      failure: { code: "job_cancelled" },
    });
    expect(await ledger.cancelJob(tenant, job.id, t0 + 9, newIds(), lineBytesOf)).toEqual(cancelled);
    expect(
      await ledger.cancelJob("other" as typeof tenant, job.id, t0, newIds(), lineBytesOf),
    ).toBeUndefined();
  });

  test("fences the running attempt: its result is discarded, its cost is kept", async () => {
    const { ledger, started, newIds } = await setup();
    const running = await started();
    await ledger.cancelJob(tenant, running.job.id, t0 + 5, newIds(), lineBytesOf);
    expect(await ledger.settle([success(running, newIds())])).toEqual([{ kind: "fenced" }]);
    expect(await ledger.findJob(tenant, running.job.id)).toMatchObject({
      state: "cancelled",
      result: undefined,
    });
    expect(await ledger.listAttempts(tenant, running.job.id)).toMatchObject([
      { outcome: "fenced", costUsd: 0.0125 },
    ]);
  });

  test("racing with a settlement leaves exactly one outcome", async () => {
    const { ledger, open, started, newIds, register, sql } = await setup();
    const workerId = await register();
    const other = open();
    const runs = await Promise.all(Array.from({ length: 30 }, () => started({}, workerId)));
    const settles = await Promise.all(
      runs.map(async (running, index) => {
        const cancel = () => other.cancelJob(tenant, running.job.id, t0 + 3000, newIds(), lineBytesOf);
        const settle = () => ledger.settle([success(running, newIds())]);
        const [[settled], cancelled] =
          index % 2 === 0
            ? await Promise.all([settle(), cancel()])
            : await Promise.all([cancel(), settle()]).then(([c, s]) => [s, c] as const);
        return { settled: settled?.kind, state: cancelled?.state, id: running.job.id };
      }),
    );
    for (const { settled, id } of settles) {
      const job = await ledger.findJob(tenant, id);
      expect([settled, job?.state]).toEqual(
        settled === "fenced" ? ["fenced", "cancelled"] : ["recorded", "succeeded"],
      );
    }
    expect(await sql`SELECT FROM live_jobs`).toHaveLength(0);
    expect(await sql`SELECT FROM outcomes`).toHaveLength(30);
  });
});

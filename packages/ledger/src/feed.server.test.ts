import { type JobSpec, uuidOf } from "@sluice/domain";
import { expect, test } from "vitest";
import { feedConformance, type Standing } from "../../../test/kit/feed-conformance.ts";
import { setup, startOf } from "./testing/setup.ts";

feedConformance("the ledger", async () => {
  const { ledger, sql, accept, register, leaderEpoch } = await setup();
  async function put(standing: Standing, changes: Partial<JobSpec> = {}): Promise<JobSpec> {
    const job = accept(changes, { laned: standing.kind !== "unfed" });
    await ledger.acceptJobs([job]);
    if (standing.kind === "running") await ledger.startAttempts([startOf(job.spec, await register(), 0)]);
    if (standing.kind === "parked" || standing.kind === "retry") {
      const waitingFor = standing.kind === "parked" ? "tokens" : null;
      await sql`UPDATE live_jobs SET state = 'waiting', not_before_at = ${standing.at}, waiting_for = ${waitingFor}
        WHERE id = ${uuidOf("job", job.spec.id)}`;
    }
    return job.spec;
  }
  return { ledger, put, epoch: await leaderEpoch() };
});

test("asked twice at once, the ledger lanes no job twice", async () => {
  const { ledger, open, accept, leaderEpoch } = await setup();
  const jobs = Array.from({ length: 50 }, () => accept({}, { laned: false }));
  await ledger.acceptJobs(jobs);
  const ids = jobs.map(({ spec }) => spec.id);
  const epoch = await leaderEpoch();
  const both = await Promise.all([ledger.markLaned(epoch, ids), open().markLaned(epoch, ids.toReversed())]);
  const laned = both.flat().map(({ jobId }) => jobId);
  expect(laned.sort()).toEqual(ids.toSorted());
});

test("no index names what changes while a job is in the lanes", async () => {
  const { sql } = await setup();
  const rows = await sql<{ name: string }[]>`
    SELECT DISTINCT a.attname AS name FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid
      AND (a.attnum = ANY(i.indkey) OR pg_get_expr(i.indpred, i.indrelid) ~ ('\\m' || a.attname || '\\M'))
    WHERE i.indrelid = 'live_jobs'::regclass`;
  const names = rows.map(({ name }) => name);
  expect(names).toContain("laned");
  for (const changing of ["state", "worker_id", "epoch", "attempts", "not_before_at", "waiting_for"])
    expect(names).not.toContain(changing);
});

import { idFromUuid, type JobFilter, type JobSpec, type Page } from "@sluice/domain";
import { expect, test } from "vitest";
import { listJobs } from "./list-jobs.ts";
import { lineBytesOf, type Setup, setup, success, t0, tenant } from "./testing/setup.ts";

const bounds = { mostLookedAt: 400, largestChunk: 200, fewMatches: 50 };

/** A tenant with a thousand jobs that look alike, and whoever is asked for among them. */
async function setupMany() {
  const s = await setup();
  const jobs = Array.from({ length: 1000 }, () => s.accept({ metadata: { often: "yes" } }));
  await s.ledger.acceptJobs(jobs);
  await s.sql`INSERT INTO outcomes (job_id, finished_at, epoch, attempts, state)
    SELECT id, now(), 1, 1, 'succeeded' FROM live_jobs`;
  await s.sql`DELETE FROM live_jobs`;
  const list = async (filter: JobFilter, page: Partial<Page> = {}, within = bounds) => {
    const about = { tenant, filter, page: { limit: 5, order: "asc", ...page } as Page };
    const { jobs: found, lookedUpTo } = await listJobs(s.sql, about, within);
    return { ids: found.map(({ id }) => id), lookedUpTo };
  };
  return { ...s, old: jobs.map(({ spec }) => spec.id), list };
}

const whole = (...jobs: readonly JobSpec[]) => ({ ids: jobs.map(({ id }) => id), lookedUpTo: undefined });

async function cancelled(s: Setup, changes: Partial<JobSpec> = {}): Promise<JobSpec> {
  const job = await s.accepted(changes);
  await s.ledger.cancelJob(job.tenantId, job.id, t0, s.newIds(), lineBytesOf);
  return job;
}

test("few live, failed or tagged jobs are found among many without looking at those", async () => {
  const s = await setupMany();
  const { list } = s;
  const queued = await s.accepted({ model: "small" });
  const running = await s.started();
  const [gone, other] = [await cancelled(s), await cancelled(s, { metadata: { often: "yes", team: "x" } })];
  await cancelled(s, { tenantId: "other" as typeof tenant });
  await s.accepted({ tenantId: "other" as typeof tenant, metadata: { team: "x" } });

  expect(await list({ states: ["queued"] })).toEqual(whole(queued));
  expect(await list({ states: ["running"] })).toEqual(whole(running.job));
  expect(await list({ states: ["cancelled", "dead"] })).toEqual(whole(gone, other));
  expect(await list({ states: ["cancelled"] }, { after: gone.id })).toEqual(whole(other));
  expect(await list({ states: ["cancelled"] }, { after: other.id, order: "desc" })).toEqual(whole(gone));
  expect(await list({ states: ["queued", "running", "cancelled"] }, { order: "desc" })).toEqual(
    whole(other, gone, running.job, queued),
  );
  expect(await list({ states: ["queued", "cancelled"], model: "small" })).toEqual(whole(queued));
  expect(await list({ metadata: { team: "x" } })).toEqual(whole(other));
  expect(await list({ metadata: { team: "x", often: "yes" }, states: ["cancelled"] })).toEqual(whole(other));
  expect(await list({ metadata: { team: "x" }, states: ["succeeded"] })).toEqual(whole());
  expect(await list({ metadata: { often: "never" } })).toEqual(whole());
});

test("what many jobs have in common is found by walking, page after page", async () => {
  const { list, old } = await setupMany();
  expect(await list({ metadata: { often: "yes" } })).toEqual({ ids: old.slice(0, 5), lookedUpTo: undefined });
  const newest = await list({ states: ["succeeded"] }, { order: "desc" });
  expect(newest).toEqual({ ids: old.slice(-5).toReversed(), lookedUpTo: undefined });
  expect(await list({}, { after: old[997] as (typeof old)[0] })).toEqual({
    ids: old.slice(998),
    lookedUpTo: undefined,
  });
});

test("a search that finds little says how far it came, and goes on from there", async () => {
  const { list, old, accepted } = await setupMany();
  const rare = await accepted({ sla: "rare" });
  const pages: Awaited<ReturnType<typeof list>>[] = [];
  for (let after: Page["after"]; pages.length < 10; after = pages.at(-1)?.lookedUpTo) {
    if (pages.length > 0 && after === undefined) break;
    pages.push(await list({ sla: "rare" }, { after }));
  }
  expect(pages.length).toBeGreaterThan(2);
  expect(pages[0]?.ids).toEqual([]);
  expect(old).toContain(pages[0]?.lookedUpTo);
  expect(pages.at(-1)).toEqual(whole(rare));
  // Within the usual bounds one page is enough.
  const wide = { mostLookedAt: 200_000, largestChunk: 20_000, fewMatches: 5_000 };
  expect(await list({ sla: "rare" }, {}, wide)).toEqual(whole(rare));
});

test("a batch's lines and a job's standing are filtered together", async () => {
  const { ledger, list, runningBatch, register, newIds } = await setupMany();
  const { batch, lines } = await runningBatch(6);
  const workerId = await register();
  const [first] = lines as [JobSpec];
  await ledger.startAttempts([
    { jobId: first.id, fromEpoch: 0, workerId, targetId: "a", startedAt: t0, route: {} as never },
  ]);
  await ledger.settle([success({ job: first, workerId, epoch: 1 }, newIds())]);
  expect(await list({ batchId: batch.id, states: ["succeeded"] })).toEqual(whole(first));
  expect(await list({ batchId: batch.id, states: ["queued"] })).toEqual(whole(...lines.slice(1)));
  expect(await list({ batchId: idFromUuid("batch", first.id.slice(4)) })).toEqual(whole());
});

import { expect, test } from "vitest";
import { minute, setup, t0 } from "./testing/setup.ts";

const question = {
  now: t0,
  overdueSince: t0 - minute,
  boundsMs: [0, minute, 10 * minute],
  horizonsMs: [1_000, 5_000],
};

test("the backlog is summed by set, tenant and band of effective deadlines, what runs apart", async () => {
  const s = await setup();
  expect(await s.ledger.readBacklog(question)).toEqual({ sums: [], overdue: [] });
  const soon = { effectiveDeadlineAt: t0 + 2 * minute };
  const sooner = { effectiveDeadlineAt: t0 + 3 * minute };
  const held = await s.accepted({ ...soon, tokens: 7 });
  await s.ledger.acceptJobs([s.accept({ ...sooner, tokens: 2_000_000_000 }, { laned: false })]);
  await s.ledger.acceptJobs([s.accept({ ...sooner, tokens: 2_000_000_000 }, { laned: false })]);
  await s.accepted({ effectiveDeadlineAt: t0 - 1, tokens: 1 });
  await s.started({ ...soon, tokens: 5 });
  await s.ledger.recordWaits([{ jobId: held.id, epoch: 0, notBeforeAt: t0 + minute, waitingFor: "tokens" }]);
  const { sums, overdue } = await s.ledger.readBacklog(question);
  const flow = { candidateSet: held.candidateSet, tenantId: held.tenantId };
  expect(overdue).toEqual([]);
  expect(
    sums.map(({ earliestAt, latestAt, ...sum }) => [earliestAt - t0, latestAt - t0, sum]).sort(),
  ).toMatchObject([
    [-1, -1, { ...flow, state: "waiting", jobs: 1, tokens: 1, parked: 0 }],
    [2 * minute, 2 * minute, { ...flow, state: "running", jobs: 1, tokens: 5 }],
    [2 * minute, 3 * minute, { ...flow, state: "waiting", jobs: 3, tokens: 4_000_000_007, parked: 1 }],
  ]);
});

test("jobs whose p95 has passed since the last reading are counted by what was predicted of them", async () => {
  const s = await setup();
  const predicted = (p95At: number, waitMs: number) =>
    s.accepted({
      acceptedAt: t0,
      effectiveDeadlineAt: t0 + 2_000,
      estimate: { p50At: t0 - 5 * minute, p95At, waitMs, serviceMs: 1 },
    });
  const { candidateSet } = await predicted(t0 - 1, 500);
  await predicted(t0 - minute, 7_000);
  await predicted(t0 - minute - 1, 7_000);
  await predicted(t0, 7_000);
  const { overdue } = await s.ledger.readBacklog(question);
  expect(overdue.toSorted((a, b) => a.waitMs - b.waitMs)).toEqual([
    { candidateSet, waitMs: 0, leadMs: 1_000, jobs: 1 },
    { candidateSet, waitMs: 5_000, leadMs: 1_000, jobs: 1 },
  ]);
});

test("a job keeps what was predicted of it, and stands for its set while it lives", async () => {
  const s = await setup();
  const estimate = { p50At: t0 + 1, p95At: t0 + 2, waitMs: 3, serviceMs: 4 };
  const job = await s.accepted({ estimate });
  expect(await s.ledger.findJob(job.tenantId, job.id)).toMatchObject({ estimate });
  expect(await s.ledger.sampleLive([job.candidateSet, "other"])).toMatchObject([{ id: job.id }]);
});

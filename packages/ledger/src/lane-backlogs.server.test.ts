import { expect, test } from "vitest";
import { minute, setup, t0, waiting } from "./testing/setup.ts";

test("the backlog of each lane counts what is fed, what is not, and since when the oldest job waits", async () => {
  const s = await setup();
  expect(await s.ledger.laneBacklogs()).toEqual([]);
  await s.started({ acceptedAt: t0 - minute });
  await s.accepted({ acceptedAt: t0 + 1 });
  const unfed = { inputTokens: 2_000_000_000, maxOutputTokens: 2_000_000_000, acceptedAt: t0 };
  await s.ledger.acceptJobs([s.accept(unfed, { laned: false }), s.accept(unfed, { laned: false })]);
  await s.accepted({ model: "b-model" });
  await s.ledger.cancelJob((await s.accepted()).tenantId, (await s.accepted()).id, t0, s.newIds(), () => 0);
  expect(await s.ledger.laneBacklogs()).toEqual([
    {
      model: "auto",
      unfedJobs: 2,
      unfedTokens: 8_000_000_000,
      queued: 4,
      running: 1,
      waiting: 0,
      oldestQueuedAt: t0,
    },
    { model: "b-model", unfedJobs: 0, unfedTokens: 0, queued: 1, running: 0, waiting: 0, oldestQueuedAt: t0 },
  ]);
});

test("the backlog of each window counts what is in it, what is parked, what runs, and what is not fed", async () => {
  const s = await setup();
  expect(await s.ledger.windowBacklogs(t0)).toEqual([]);
  await s.started();
  const retried = await s.started();
  await s.ledger.settle([waiting(retried, { avoidTarget: false, spentAttempt: true })]);
  const [held] = [await s.accepted({ tokens: 7 }), await s.accepted({ tokens: 5 })];
  await s.ledger.recordWaits([{ jobId: held.id, epoch: 0, notBeforeAt: t0 + minute, waitingFor: "tokens" }]);
  const other = "other" as typeof held.tenantId;
  const unfed = [{}, { tenantId: other }, { tenantId: other }].map((changes) =>
    s.accept({ ...changes, tokens: 2_000_000_000 }, { laned: false }),
  );
  await s.ledger.acceptJobs(unfed);
  await s.accepted({ candidateSet: "", tokens: 1 });
  const backlog = { unfedJobs: 3, unfedTokens: 6_000_000_000, unfedTenants: 2 };
  const none = { unfedJobs: 0, unfedTokens: 0, unfedTenants: 0 };
  expect(await s.ledger.windowBacklogs(t0)).toEqual([
    { candidateSet: "", jobs: 1, tokens: 1, parked: 0, running: 0, ...none },
    { candidateSet: "set", jobs: 2, tokens: 12, parked: 1, running: 1, ...backlog },
  ]);
});

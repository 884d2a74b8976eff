import { expect, test } from "vitest";
import { minute, setup, t0 } from "./testing/setup.ts";

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

import type { ParkedJob } from "@sluice/domain";
import { expect, test } from "vitest";
import { createCapacity } from "./index.ts";
import { coldConformance } from "./testing/cold-conformance.ts";
import { connectTestRedis, nothingCounts, setup, take, use } from "./testing/setup.ts";
import { createTestClock, testIds, testRequest, testTarget } from "./testing/values.ts";

coldConformance("capacity in Redis", async () => {
  const redis = connectTestRedis();
  await redis.flushall();
  const clock = createTestClock();
  const woken: ParkedJob[] = [];
  const onRoom = (jobs: readonly ParkedJob[]) => void woken.push(...jobs);
  const capacity = createCapacity({ redis, clock, ids: testIds, onRoom, timeSource: () => clock.now() });
  return { capacity, clock, woken };
});

test("what a version has counted that knows no generations is taken as it is", async () => {
  const { capacity, redis } = await setup();
  const target = testTarget("a", { concurrency: 1 });
  const reservation = await take(capacity, testRequest(target));
  await redis.del("{capacity}:warm");
  expect(await capacity.reserve(testRequest(target))).toMatchObject({ limit: "target.cold" });
  const claim = { token: "new", settleMs: 1_000, claimMs: 6_000 };
  expect(await capacity.claimRebuild(claim)).toEqual({ kind: "warm" });
  expect(await capacity.warm("new", nothingCounts)).toBe(false);
  expect(await capacity.reserve(testRequest(target))).toMatchObject({ limit: "target.concurrency" });
  await capacity.settle(reservation, use(1, 1));
  await take(capacity, testRequest(target));
});

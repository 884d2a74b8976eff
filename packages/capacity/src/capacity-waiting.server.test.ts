import type { ParkedJob } from "@sluice/domain";
import { waitingConformance } from "../../../test/kit/waiting-conformance.ts";
import { createCapacity } from "./index.ts";
import { connectTestRedis } from "./testing/setup.ts";
import { createTestClock, testIds } from "./testing/values.ts";

waitingConformance("capacity in Redis", async () => {
  const redis = connectTestRedis();
  await redis.flushall();
  const clock = createTestClock();
  const woken: ParkedJob[] = [];
  const onRoom = (jobs: readonly ParkedJob[]) => void woken.push(...jobs);
  return {
    clock,
    woken,
    capacity: createCapacity({ redis, clock, ids: testIds, onRoom, timeSource: () => clock.now() }),
  };
});

import type { ParkedJob } from "@sluice/domain";
import { fairOrderConformance } from "../../../test/kit/fair-order-conformance.ts";
import { type WaitingUnderTest, waitingConformance } from "../../../test/kit/waiting-conformance.ts";
import { createCapacity } from "./index.ts";
import { connectTestRedis } from "./testing/setup.ts";
import { createTestClock, testIds } from "./testing/values.ts";

async function create(): Promise<WaitingUnderTest> {
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
}

waitingConformance("capacity in Redis", create);
fairOrderConformance("capacity in Redis", create);

import type { ParkedJob } from "@sluice/domain";
import { fairOrderConformance } from "../../../test/kit/fair-order-conformance.ts";
import { type WaitingUnderTest, waitingConformance } from "../../../test/kit/waiting-conformance.ts";
import { createCapacity } from "./index.ts";
import { connectTestRedis, warmUp } from "./testing/setup.ts";
import { createTestClock, testIds } from "./testing/values.ts";

async function create(): Promise<WaitingUnderTest> {
  const redis = connectTestRedis();
  await redis.flushall();
  const clock = createTestClock();
  const woken: ParkedJob[] = [];
  const onRoom = (jobs: readonly ParkedJob[]) => void woken.push(...jobs);
  const capacity = createCapacity({ redis, clock, ids: testIds, onRoom, timeSource: () => clock.now() });
  await warmUp(capacity);
  return { clock, woken, capacity };
}

waitingConformance("capacity in Redis", create);
fairOrderConformance("capacity in Redis", create);

import type { Capacity } from "@sluice/domain";
import type { createTestClock } from "./values.ts";

/** For tests: an empty capacity whose clock moves only when told. */
export interface CapacityUnderTest {
  readonly capacity: Capacity;
  readonly clock: ReturnType<typeof createTestClock>;
}

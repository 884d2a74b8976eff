import type { ParkedJob } from "@sluice/domain";
import { waitingConformance } from "../../../../test/kit/waiting-conformance.ts";
import { createTestClock, testIds } from "../testing/values.ts";
import { createInMemoryCapacity } from "./create-in-memory-capacity.ts";

waitingConformance("capacity in memory", async () => {
  const clock = createTestClock();
  const woken: ParkedJob[] = [];
  const onRoom = (jobs: readonly ParkedJob[]) => void woken.push(...jobs);
  return { clock, woken, capacity: createInMemoryCapacity({ clock, ids: testIds, onRoom }) };
});

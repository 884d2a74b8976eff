import type { ParkedJob } from "@sluice/domain";
import { fairOrderConformance } from "../../../../test/kit/fair-order-conformance.ts";
import { waitingConformance } from "../../../../test/kit/waiting-conformance.ts";
import { capacityConformance } from "../testing/capacity-conformance.ts";
import { coldConformance } from "../testing/cold-conformance.ts";
import { createTestClock, testIds } from "../testing/values.ts";
import { createInMemoryCapacity } from "./create-in-memory-capacity.ts";

function create(options: { readonly startsCold?: boolean } = {}) {
  const clock = createTestClock();
  const woken: ParkedJob[] = [];
  const onRoom = (jobs: readonly ParkedJob[]) => void woken.push(...jobs);
  return { clock, woken, capacity: createInMemoryCapacity({ clock, ids: testIds, onRoom, ...options }) };
}

capacityConformance("capacity in memory", async () => create());
waitingConformance("capacity in memory", async () => create());
fairOrderConformance("capacity in memory", async () => create());
coldConformance("capacity in memory", async () => create({ startsCold: true }));

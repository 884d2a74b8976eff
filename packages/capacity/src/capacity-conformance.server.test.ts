import { capacityConformance } from "./testing/capacity-conformance.ts";
import { setup } from "./testing/setup.ts";

capacityConformance("capacity in Redis", () => setup());

import { openInMemory } from "../testing/crowd.ts";
import { fairOrderConformance } from "../testing/fair-order-conformance.ts";

fairOrderConformance("capacity in memory", openInMemory, 300);

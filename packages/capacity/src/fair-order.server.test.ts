import { openInRedis } from "./testing/crowd.ts";
import { fairOrderConformance } from "./testing/fair-order-conformance.ts";

// Each run takes seconds on a busy machine; capacity in memory, which answers alike, has the many.
fairOrderConformance("capacity in Redis", openInRedis, 3);

import { describe } from "vitest";
import { breakerConformance } from "./breaker-conformance.ts";
import { budgetsConformance } from "./budgets-conformance.ts";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { latencyConformance } from "./latency-conformance.ts";
import { learnedConformance } from "./learned-conformance.ts";
import { limitsConformance } from "./limits-conformance.ts";
import { marginConformance } from "./margin-conformance.ts";
import { operateConformance } from "./operate-conformance.ts";
import { paceConformance } from "./pace-conformance.ts";
import { settlingConformance } from "./settling-conformance.ts";
import { upstreamConformance } from "./upstream-conformance.ts";

/** For tests: what every capacity must do, beside making jobs wait; `setup` makes an empty one. */
export function capacityConformance(name: string, setup: () => Promise<CapacityUnderTest>): void {
  describe(name, () => {
    limitsConformance(setup);
    budgetsConformance(setup);
    settlingConformance(setup);
    paceConformance(setup);
    marginConformance(setup);
    upstreamConformance(setup);
    breakerConformance(setup);
    latencyConformance(setup);
    operateConformance(setup);
    learnedConformance(setup);
  });
}

import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { expect, test } from "vitest";
import { propertyRuns } from "../../../test/kit/property-runs.ts";
import { type ArrivedCall, LossRun } from "./testing/loss-run.ts";

const limits = { requestsPerMinute: 12, concurrency: 4 };

const call = record({
  afterMs: constantFrom(0, 10, 200, 1_500, 9_000),
  commitMs: constantFrom(1, 50, 400, 999, 1_001, 2_500, 6_000),
  sendMs: constantFrom(0, 0, 3, 2_500),
  latencyMs: constantFrom(20, 800, 4_000, 25_000),
  settleMs: constantFrom(0, 5, 700, 3_000, 15_000),
});

/** The most that arrived within any minute. */
function mostInAMinute(calls: readonly ArrivedCall[]): number {
  return Math.max(
    0,
    ...calls.map(({ from }) => calls.filter((o) => o.from >= from && o.from < from + 60_000).length),
  );
}

function mostAtOnce(calls: readonly ArrivedCall[]): number {
  return Math.max(0, ...calls.map(({ from }) => calls.filter((o) => o.from <= from && o.to > from).length));
}

test("an upstream with strict windows never sees more than its limits, and no place is lost, whenever capacity is", {
  timeout: 600_000,
}, async () => {
  let [cold, full] = [0, 0];
  await assert(
    asyncProperty(
      array(call, { minLength: 20, maxLength: 120, size: "max" }),
      array(integer({ min: 0, max: 150_000 }), { minLength: 1, maxLength: 4 }),
      constantFrom(0, 300, 4_000),
      async (calls, losses, readMs) => {
        const run = new LossRun(limits);
        const inFlight = await run.run(calls, losses, readMs);
        expect(mostInAMinute(run.arrived)).toBeLessThanOrEqual(limits.requestsPerMinute);
        expect(mostAtOnce(run.arrived)).toBeLessThanOrEqual(limits.concurrency);
        expect(inFlight).toBe(0);
        cold += run.cold;
        if (mostInAMinute(run.arrived) === limits.requestsPerMinute) full += 1;
      },
    ),
    { numRuns: propertyRuns(300) },
  );
  // Else it would say nothing.
  expect([cold, full].every((count) => count > 0)).toBe(true);
});

import { describe, expect, test } from "vitest";
import { type Coverage, coverageOf } from "./testing/coverage.ts";
import { runBench } from "./testing/run-bench.ts";
import type { Scenario } from "./testing/scenario.ts";
import { burstyQueue, growingQueue, sharedQueue, slowQueue } from "./testing/scenarios.ts";

const queues: [string, (seed: number) => Scenario][] = [
  ["bursts", burstyQueue],
  ["a target that slows down", slowQueue],
  ["a backlog that grows", growingQueue],
  ["tenants and sets that share targets", sharedQueue],
];

describe.each(queues)("estimates of %s", (_name, queue) => {
  test.each([11, 12])("are kept as often as they promise (seed %i)", (seed) => {
    const { jobs, byP50, byP95 } = coverageOf(runBench(queue(seed)));
    expect(jobs).toBeGreaterThan(10_000);
    expect(byP95).toBeGreaterThanOrEqual(0.9);
    expect(byP95).toBeLessThanOrEqual(0.99);
    expect(byP50).toBeGreaterThanOrEqual(0.4);
    expect(byP50).toBeLessThanOrEqual(0.6);
  });
});

test("estimates are far narrower than one that tells every job the same", () => {
  const { widthSeconds, constantWidthSeconds }: Coverage = coverageOf(runBench(burstyQueue(13)));
  expect(widthSeconds).toBeLessThan(constantWidthSeconds / 2);
});

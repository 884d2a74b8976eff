import { assert, asyncProperty, constantFrom, integer } from "fast-check";
import { expect, test } from "vitest";
import { simulateTarget, type TargetModel } from "../testing/simulated-target.ts";
import { createTestClock, testIds, testTarget } from "../testing/values.ts";
import { createInMemoryCapacity } from "./create-in-memory-capacity.ts";

const minuteMs = 60_000;

/** Draws in [0, 1) that depend on the seed alone. */
function drawsOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** The last of so many minutes, in which as many calls are made as there is room for. */
async function lastMinute(model: TargetModel, minutes: number) {
  const clock = createTestClock();
  const capacity = createInMemoryCapacity({ clock, ids: testIds });
  const target = testTarget("a", {});
  await simulateTarget({ capacity, clock }, target, model, (minutes - 1) * minuteMs);
  return simulateTarget({ capacity, clock }, target, model, minuteMs);
}

test.each([
  [1, 12],
  [3, 6],
  [20, 4],
  [100, 4],
])(
  "a target of %d places is at its full rate after %d minutes, with few calls waiting at it",
  async (places, minutes) => {
    const model: TargetModel = { latencyMs: (inFlight) => 1_000 * Math.max(1, inFlight / places) };
    const { answered, inFlight } = await lastMinute(model, minutes);
    expect(answered).toBeGreaterThanOrEqual(0.95 * 60 * places);
    expect(inFlight).toBeLessThanOrEqual(3 * places + 4);
  },
);

test.each([3, 20, 100])(
  "a target that refuses more than %d calls at once is seldom asked for more",
  async (most) => {
    const { answered, refused } = await lastMinute({ latencyMs: () => 1_000, most }, 4);
    expect(answered).toBeGreaterThanOrEqual(0.85 * 60 * most);
    expect(refused).toBeLessThanOrEqual(0.05 * answered);
  },
);

test("a target that answers in time whatever comes is let have it", async () => {
  expect((await lastMinute({ latencyMs: () => 1_000 }, 2)).answered).toBeGreaterThanOrEqual(55_000);
});

test("one that became slower for good is used as before, once that is seen", async () => {
  const clock = createTestClock();
  const capacity = createInMemoryCapacity({ clock, ids: testIds });
  const target = testTarget("a", {});
  const model = (ms: number): TargetModel => ({ latencyMs: (inFlight) => ms * Math.max(1, inFlight / 20) });
  await simulateTarget({ capacity, clock }, target, model(1_000), 2 * minuteMs);
  await simulateTarget({ capacity, clock }, target, model(4_000), 4 * minuteMs);
  const { answered } = await simulateTarget({ capacity, clock }, target, model(4_000), 4 * minuteMs);
  expect(answered).toBeGreaterThanOrEqual(0.95 * 4 * 15 * 20);
});

test("answers of all lengths and times do not mislead it", async () => {
  await assert(
    asyncProperty(constantFrom(4, 15, 40), integer({ min: 1, max: 1_000_000 }), async (places, seed) => {
      const draw = drawsOf(seed);
      const outputTokens = () => Math.ceil(10 + 500 * draw() ** 3);
      const latencyMs = (inFlight: number, output: number) =>
        (300 + 7 * output) * (0.6 + 0.8 * draw()) * Math.max(1, inFlight / places);
      // 10 + 500 / 4 tokens on average.
      const atBest = (minuteMs / (300 + 7 * 135)) * places;
      const { answered, inFlight } = await lastMinute({ latencyMs, outputTokens }, 5);
      expect(answered).toBeGreaterThanOrEqual(0.7 * atBest);
      expect(inFlight).toBeLessThanOrEqual(5 * places);
    }),
    { numRuns: 12 },
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { drawLatency, totalMs } from "./latency.ts";
import { drawOutputLength } from "./output-length.ts";
import { createRandom } from "./random.ts";

const seeds = Array.from({ length: 3000 }, (_, seed) => seed);

test("an answer takes the time to its first token and then its tokens, within the jitter, divided by the scale", () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, jitter) => {
      const model = { ttftMs: 500, tokensPerSecond: 50, jitter, timeScale: 10 };
      const total = totalMs(drawLatency(createRandom(seed), model), 100);
      expect(Math.abs(total - 250)).toBeLessThanOrEqual(250 * jitter + 1e-6);
    }),
  );
  const still = { ttftMs: 500, tokensPerSecond: 50, jitter: 0, timeScale: 1 };
  expect(totalMs(drawLatency(createRandom(1), still), 200)).toBe(4500);
});

test("no time to the first token and no token rate is no latency at all", () => {
  const model = { ttftMs: 0, tokensPerSecond: 0, jitter: 1, timeScale: 1 };
  expect(totalMs(drawLatency(createRandom(1), model), 100_000)).toBe(0);
});

test("output lengths have the mean that was asked for, and vary", () => {
  const drawn = seeds.map(
    (seed) => drawOutputLength(createRandom(seed), { mean: 200, spread: 0.5 }, 1e9).tokens,
  );
  const mean = drawn.reduce((sum, tokens) => sum + tokens, 0) / drawn.length;
  expect(mean).toBeGreaterThan(190);
  expect(mean).toBeLessThan(210);
  expect(new Set(drawn).size).toBeGreaterThan(200);
});

test("an answer as long as its bound ends by itself, a longer one is cut", () => {
  const model = { mean: 50, spread: 0 };
  expect(drawOutputLength(createRandom(1), model, 50)).toEqual({ tokens: 50, finishReason: "stop" });
  expect(drawOutputLength(createRandom(1), model, 49)).toEqual({ tokens: 49, finishReason: "length" });
});

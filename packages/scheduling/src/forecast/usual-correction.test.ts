import { expect, test } from "vitest";
import { usualCorrection } from "./usual-correction.ts";

const hour = 3_600_000;
const cold = { waitMs: 600_000, finishesInMs: 600_000, leadMs: 24 * hour, watchedMs: 0 };

test("while nobody knows what more urgent work will come, a job with a day may wait twenty times as long", () => {
  expect(usualCorrection(cold)).toEqual({ p50: 2, p95: 20 });
});

test("once arrivals have been watched for as long as it waits, little is left to guess", () => {
  expect(usualCorrection({ ...cold, watchedMs: 600_000 })).toEqual({ p50: 1.2, p95: 3 });
});

test("what nobody knows does not make a job late that could just be finished in time", () => {
  const { p50, p95 } = usualCorrection({ ...cold, leadMs: hour });
  expect(p95 * cold.finishesInMs).toBe(hour);
  expect(p50).toBe(1.2);
  expect(usualCorrection({ ...cold, leadMs: 1_000 })).toEqual({ p50: 1.2, p95: 3 });
});

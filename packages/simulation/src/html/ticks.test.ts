import { expect, test } from "vitest";
import { ticksOf, tickText } from "./ticks.ts";

test.each([
  [0, 1, [0, 0.5, 1]],
  [0, 97, [0, 50, 100]],
  [0, 100, [0, 50, 100]],
  [0, 101, [0, 50, 100, 150]],
  [0, 4_767, [0, 2_000, 4_000, 6_000]],
  [0, 0, [0, 1]],
])("an axis from %d to %d has round values", (least, most, ticks) => {
  expect(ticksOf(least, most, 4)).toEqual(ticks);
});

test("large values are short", () => {
  expect([0, 0.25, 1_500, 12_000, 2_500_000].map(tickText)).toEqual(["0", "0.25", "1500", "12k", "2500k"]);
});

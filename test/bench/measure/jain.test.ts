import { expect, it } from "vitest";
import { jainIndex } from "./jain.ts";

it("is 1 when all had the same, 1 / n when one had everything, and between for the rest", () => {
  expect(jainIndex([7, 7, 7])).toBeCloseTo(1);
  expect(jainIndex([9, 0, 0])).toBeCloseTo(1 / 3);
  expect(jainIndex([3, 1])).toBeCloseTo(0.8);
  expect(jainIndex([])).toBeNaN();
});

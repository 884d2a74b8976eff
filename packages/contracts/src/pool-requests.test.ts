import { SluiceError } from "@sluice/domain";
import { expect, test } from "vitest";
import { shiftRequestSchema, targetWeightSchema } from "./pool-requests.ts";
import { parseWith } from "./zod-errors.ts";

test("a weight is a number of 0 or more, or null", () => {
  for (const weight of [0, 0.5, 1_000_000, null])
    expect(parseWith(targetWeightSchema, { weight })).toEqual({ weight });
});

test.each([-1, 1_000_001, "10", Number.NaN, Number.POSITIVE_INFINITY])(
  "the weight %s is refused by name",
  (weight) => {
    expect(() => parseWith(targetWeightSchema, { weight })).toThrow(
      new SluiceError(
        "invalid_value",
        "'weight' is not valid: must be a number from 0 to 1000000, or null.",
        { param: "weight" },
      ),
    );
  },
);

test("a shift names both targets and a percentage", () => {
  const shift = { from: "a", to: "b", percent: 100 };
  expect(parseWith(shiftRequestSchema, shift)).toEqual(shift);
  for (const percent of [-1, 100.1, "10"])
    expect(() => parseWith(shiftRequestSchema, { ...shift, percent })).toThrow(
      "'percent' is not valid: must be a number from 0 to 100.",
    );
  expect(() => parseWith(shiftRequestSchema, { from: "a", percent: 1 })).toThrow(/'to'/);
  expect(() => parseWith(targetWeightSchema, {})).toThrow(/Missing required parameter: 'weight'/);
});

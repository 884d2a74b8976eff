import { describe, expect, it } from "vitest";
import { largestServiceGap, serviceByWindow } from "./service.ts";

const equal = { mine: 1, theirs: 1 };
/** One call of so many tokens each second. */
const stream = (seconds: number, tokens: number, from = 0) =>
  Array.from({ length: seconds }, (_, second) => ({ at: from + second * 1_000, tokens }));

describe("the gap between two tenants' service", () => {
  it("stays at one call while they take turns", () => {
    const shared = { mine: stream(100, 10), theirs: stream(100, 10, 500), weights: equal };
    expect(largestServiceGap(shared, { from: 0, until: 100_000 })).toBe(10);
  });

  it("is found in the middle of a stretch at whose ends they are even", () => {
    const shared = { mine: stream(5, 10), theirs: stream(5, 10, 5_000), weights: equal };
    expect(largestServiceGap(shared, { from: 0, until: 20_000 })).toBe(50);
  });

  it("counts what each was served by its weight", () => {
    const shared = {
      mine: stream(100, 30),
      theirs: stream(100, 10, 500),
      weights: { mine: 3, theirs: 1 },
    };
    expect(largestServiceGap(shared, { from: 0, until: 100_000 })).toBe(10);
  });

  it("leaves out what was served before and after", () => {
    const shared = { mine: stream(100, 10), theirs: [], weights: equal };
    expect(largestServiceGap(shared, { from: 50_000, until: 54_000 })).toBe(50);
  });
});

it("looks only at whole minutes in which both were backlogged", () => {
  const shared = { mine: stream(200, 4), theirs: stream(200, 2), weights: equal };
  const windows = serviceByWindow(shared, { from: 10_000, until: 80_000 });
  expect(windows).toEqual(Array.from({ length: 3 }, () => ({ mine: 240, theirs: 120 })));
  expect(serviceByWindow(shared, { from: 10_000, until: 69_999 })).toEqual([]);
});

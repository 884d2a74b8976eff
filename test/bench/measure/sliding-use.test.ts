import { describe, expect, it } from "vitest";
import { slidingUse, steadyPart } from "./sliding-use.ts";

/** One call each second, at 0 s, 1 s …, each worth `amount`. */
const everySecond = (seconds: number, amount = 1) =>
  Array.from({ length: seconds }, (_, second) => ({ at: second * 1_000, amount }));

describe("the use of sliding windows", () => {
  it("is the same wherever an even stream is looked at", () => {
    expect(slidingUse(everySecond(200, 5), { from: 60_000, until: 199_000 })).toEqual({
      least: 300,
      mean: 300,
      most: 300,
    });
  });

  it("finds the fullest and the emptiest minute of a burst that comes again", () => {
    const bursts = [0, 90_000, 180_000].map((at) => ({ at, amount: 10 }));
    expect(slidingUse(bursts, { from: 0, until: 200_000 })).toMatchObject({ least: 0, most: 10 });
  });

  it("counts a call for 60 s and no longer, in whatever order the calls are told", () => {
    const calls = [
      { at: 60_000, amount: 1 },
      { at: 0, amount: 1 },
    ];
    expect(slidingUse(calls, { from: 59_750, until: 59_750 }).most).toBe(1);
    expect(slidingUse(calls, { from: 60_000, until: 60_000 }).most).toBe(1);
    expect(slidingUse(calls, { from: 119_750, until: 119_750 }).most).toBe(1);
    expect(slidingUse(calls, { from: 120_000, until: 120_000 }).most).toBe(0);
  });

  it("is not a number where nothing was looked at", () => {
    expect(slidingUse(everySecond(10), { from: 60_000, until: 5_000 }).mean).toBeNaN();
  });
});

describe("the steady part of a run", () => {
  it("begins a minute after the first call and ends when less is left than one window takes", () => {
    expect(steadyPart(everySecond(300, 2), 120)).toEqual({ from: 60_000, until: 240_000 });
  });
});

import type { KeptPromise } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { type Calibration, correctionOf, createCalibration } from "./calibrate.ts";

const day = 86_400_000;
const usual = { p50: 1.1, p95: 3 };

function corrected(
  calibration: Calibration,
  candidateSet = "a",
  { waitMs = 8_000, leadMs = day }: { waitMs?: number; leadMs?: number } = {},
) {
  return correctionOf(calibration.corrections(), { candidateSet, waitMs, leadMs }) ?? usual;
}

/** A job that was predicted to take 10 s (of which `waitMs` wait) and took `ratio` times as long. */
function finished(
  ratio: number,
  calibration: Calibration,
  { set = "a", waitMs = 8_000, leadMs = day } = {},
): KeptPromise {
  const { p50, p95 } = corrected(calibration, set, { waitMs, leadMs });
  const estimate = { waitMs, serviceMs: 10_000 - waitMs, p50At: 10_000 * p50, p95At: 10_000 * p95 };
  return { candidateSet: set, model: "auto", acceptedAt: 0, leadMs, finishedAt: 10_000 * ratio, estimate };
}

const nothing = { finished: [], overdue: [], overdueBefore: 0 };

function learn(calibration: Calibration, ratio: (index: number) => number, times = 600, place = {}): void {
  for (let index = 0; index < times; index += 1)
    calibration.learn({ ...nothing, finished: [finished(ratio(index), calibration, place)] });
}

/** Evenly from 1 to 2 in an order that looks random. */
const oneToTwo = (index: number) => 1 + ((index * 61) % 100) / 100;

describe("corrections", () => {
  test("become the quantiles of what predictions are off by", () => {
    const calibration = createCalibration();
    learn(calibration, oneToTwo, 2_000);
    const { p50, p95 } = corrected(calibration, "a");
    expect(p50).toBeGreaterThan(1.4);
    expect(p50).toBeLessThan(1.6);
    expect(p95).toBeGreaterThan(1.9);
    expect(p95).toBeLessThan(2.1);
  });

  test("are their own for each horizon", () => {
    const calibration = createCalibration();
    learn(calibration, (index) => 3 * oneToTwo(index), 600, { waitMs: 500 });
    expect(corrected(calibration, "a", { waitMs: 500 }).p50).toBeGreaterThan(3);
    expect(corrected(calibration, "a")).toBe(usual);
  });

  test("are their own for each time to the deadline, so that work with a day does not widen what has seconds", () => {
    const calibration = createCalibration();
    learn(calibration, oneToTwo, 600, { leadMs: 30_000 });
    const before = corrected(calibration, "a", { leadMs: 30_000 });
    learn(calibration, (index) => 9 * oneToTwo(index));
    expect(corrected(calibration, "a", { leadMs: 30_000 })).toEqual(before);
    expect(corrected(calibration).p50).toBeGreaterThan(9);
  });

  test("are a set's own once it has seen enough, till then all sets'", () => {
    const calibration = createCalibration();
    learn(calibration, (index) => 3 * oneToTwo(index));
    learn(calibration, oneToTwo, 20, { set: "b" });
    expect(corrected(calibration, "b").p50).toBeGreaterThan(3);
    learn(calibration, oneToTwo, 400, { set: "b" });
    expect(corrected(calibration, "b").p50).toBeLessThan(1.7);
    expect(corrected(calibration, "a").p50).toBeGreaterThan(3);
  });

  test("widen when jobs outlive their p95, before any of them has finished", () => {
    const calibration = createCalibration();
    learn(calibration, oneToTwo);
    const before = corrected(calibration, "a").p95;
    for (let second = 0; second < 10; second += 1)
      calibration.learn({
        ...nothing,
        overdue: [{ candidateSet: "a", waitMs: 8_000, leadMs: day, jobs: 3 }],
      });
    expect(corrected(calibration, "a").p95).toBeGreaterThan(before * 2);
  });

  test("count a job once that was overdue and then finished", () => {
    const [once, twice] = [createCalibration(), createCalibration()];
    for (const calibration of [once, twice]) learn(calibration, oneToTwo);
    const late = finished(5, once);
    once.learn({ ...nothing, finished: [late], overdueBefore: late.estimate.p95At + 1 });
    twice.learn({ ...nothing, finished: [late], overdueBefore: late.estimate.p95At });
    const [a, b] = [once, twice].map((calibration) => corrected(calibration, "a").p95);
    expect(a).toBeLessThan(b ?? 0);
  });

  test("of many that come true at once move no further than of a few", () => {
    const calibration = createCalibration();
    learn(calibration, oneToTwo);
    const before = corrected(calibration, "a").p95;
    calibration.learn({
      ...nothing,
      overdue: [{ candidateSet: "a", waitMs: 8_000, leadMs: day, jobs: 10_000 }],
    });
    expect(corrected(calibration, "a").p95).toBeLessThan(before * 1.5);
  });

  test("go on from what another leader has published", () => {
    const first = createCalibration();
    learn(first, (index) => 3 * oneToTwo(index));
    const second = createCalibration(first.corrections());
    second.learn({ ...nothing, finished: [finished(4.5, first)] });
    const [was, is] = [first, second].map((each) => corrected(each));
    expect(is?.p50).toBeGreaterThan((was?.p50 ?? 0) * 0.8);
    expect(is?.p95).toBeGreaterThan((was?.p95 ?? 0) * 0.8);
  });
});

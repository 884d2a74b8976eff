import { array, assert, double, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { makeSignals, makeTarget } from "../testing/make-input.ts";
import { pickers } from "./index.ts";

function pick(
  name: string,
  totals: readonly number[],
  options: { job?: string; random?: number; turn?: number; weights?: number[]; given?: number[] } = {},
) {
  const candidates = totals.map((_, i) => ({
    target: makeTarget(`t${i}`, { weight: options.weights?.[i] ?? 1 }),
    signals: makeSignals(options.given === undefined ? {} : { weight: options.given[i] ?? 1 }),
  }));
  const input = {
    candidates,
    totals: Float64Array.from(totals),
    jobId: options.job ?? "job",
    random: options.random ?? 0,
    turn: options.turn ?? 0,
  };
  const picked = pickers.get(name)?.pick(input);
  if (picked === undefined) throw new Error(`no picker ${name}`);
  return { order: picked.order, shares: picked.shares, propensity: picked.shares[picked.order[0] ?? 0] ?? 0 };
}

/** How often each of `totals` comes first, of 4000 jobs. */
function firstChoices(name: string, totals: readonly number[], weights: number[]): number[] {
  const counts = totals.map(() => 0);
  for (let i = 0; i < 4_000; i += 1) {
    const [first = 0] = pick(name, totals, { job: `job_${i}`, random: i / 4_000, weights }).order;
    counts[first] = (counts[first] ?? 0) + 1 / 4_000;
  }
  return counts;
}

describe.each([...pickers.keys()])("%s", (name) => {
  test("puts every candidate in order exactly once, with shares that add up to 1 and a first one above 0", () => {
    assert(
      property(
        array(double({ min: 0, max: 6, noNaN: true }), { minLength: 1, maxLength: 12 }),
        string(),
        (totals, job) => {
          const { order, propensity, shares } = pick(name, totals, { job, random: 0.99 });
          expect(order.toSorted((a, b) => a - b)).toEqual([...totals.keys()]);
          expect(propensity).toBeGreaterThan(0);
          expect(propensity).toBeLessThanOrEqual(1);
          expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
        },
      ),
    );
  });
});

test("best orders by total and gives the same job the same order again", () => {
  expect(pick("best", [1, 3, 2]).order).toEqual([1, 2, 0]);
  expect(pick("best", [1, 3, 2]).propensity).toBe(1);
  expect(pick("best", [1, 1, 1, 1])).toEqual(pick("best", [1, 1, 1, 1], { random: 0.7 }));
});

test("best takes totals that differ only by rounding as equal", () => {
  const firsts = new Set(
    Array.from({ length: 50 }, (_, i) => pick("best", [0.3, 0.1 + 0.2], { job: `${i}` }).order[0]),
  );
  expect(firsts.size).toBe(2);
});

test("weighted draws in proportion to the totals", () => {
  expect(pick("weighted", [1, 3], { random: 0.24 })).toMatchObject({
    order: [0, 1],
    propensity: 0.25,
  });
  expect(pick("weighted", [1, 3], { random: 0.26 })).toMatchObject({
    order: [1, 0],
    propensity: 0.75,
  });
});

test.each(["best", "weighted"])("%s shares equal targets by their weights", (name) => {
  const [a = 0, b = 0] = firstChoices(name, [2, 2], [3, 1]);
  expect(a).toBeGreaterThan(0.71);
  expect(a).toBeLessThan(0.79);
  expect(a + b).toBeCloseTo(1);
  expect([0.75, 0.25]).toContain(pick(name, [2, 2], { weights: [3, 1] }).propensity);
});

test("weighted takes the weight that an operator gave in place of the configured one", () => {
  const options = { weights: [1, 1], given: [0.1, 0.9], random: 0.2 };
  expect(pick("weighted", [1, 1], options)).toMatchObject({ order: [1, 0], propensity: 0.9 });
  expect(pick("weighted", [1, 1, 1], { given: [0, 0, 3], random: 0 }).order).toEqual([2, 0, 1]);
  expect(pick("weighted", [1, 1], { given: [0, 0], random: 0.6 })).toMatchObject({ propensity: 0.5 });
});

test("best orders equal totals by weight however small the weights are", () => {
  const firsts = Array.from({ length: 2_000 }, (_, i) => {
    return pick("best", [1, 1], { job: `job_${i}`, given: [1e-6, 3e-6] }).order[0];
  });
  const share = firsts.filter((first) => first === 1).length / 2_000;
  expect(Math.abs(share - 0.75)).toBeLessThan(0.04);
});

test("round-robin goes round whatever the scores and weights, in order", () => {
  const firsts = [0, 1, 2, 3].map(
    (turn) => pick("round-robin", [1, 3, 2], { turn, weights: [9, 1, 1] }).order,
  );
  expect(firsts).toEqual([
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1],
    [0, 1, 2],
  ]);
});

test("in-order keeps the order of the configuration", () => {
  expect(pick("in-order", [1, 3, 2], { turn: 7, random: 0.9 })).toMatchObject({
    order: [0, 1, 2],
    propensity: 1,
  });
});

import { assert, integer, property, record, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createProgressEstimate,
  effectiveDeadlineAt,
  lanePriority,
  maxLanePriority,
  parseDuration,
} from "./index.ts";

const moment = integer({ min: 1_600_000_000_000, max: 2_000_000_000_000 });
const terms = record({
  acceptedAt: moment,
  lasts: integer({ min: 1, max: 30 * 86_400_000 }),
  priority: integer({ min: 0, max: 9 }),
});

describe("effectiveDeadlineAt", () => {
  test("is the deadline itself without priority, and lies after acceptance with any", () => {
    assert(
      property(terms, ({ acceptedAt, lasts, priority }) => {
        const deadlineAt = acceptedAt + lasts;
        const effective = effectiveDeadlineAt({ acceptedAt, deadlineAt, priority });
        expect(effective).toBeGreaterThan(acceptedAt);
        expect(effective).toBeLessThanOrEqual(deadlineAt);
        expect(effectiveDeadlineAt({ acceptedAt, deadlineAt, priority: 0 })).toBe(deadlineAt);
      }),
    );
  });

  test("moves a tenth of the way towards acceptance for each step of priority", () => {
    expect(effectiveDeadlineAt({ acceptedAt: 1_000, deadlineAt: 11_000, priority: 3 })).toBe(8_000);
  });
});

describe("lanePriority", () => {
  test("is a whole number from 1 to BullMQ's greatest, never 0", () => {
    assert(
      property(moment, moment, (deadline, epoch) => {
        const priority = lanePriority(deadline, epoch);
        expect(Number.isInteger(priority)).toBe(true);
        expect(priority).toBeGreaterThanOrEqual(1);
        expect(priority).toBeLessThanOrEqual(maxLanePriority);
      }),
    );
  });

  test("never puts a later deadline first", () => {
    assert(
      property(moment, uniqueArray(moment, { minLength: 2, maxLength: 2 }), (epoch, pair) => {
        const [early = 0, late = 0] = pair.toSorted((a, b) => a - b);
        expect(lanePriority(early, epoch)).toBeLessThanOrEqual(lanePriority(late, epoch));
      }),
    );
  });

  test("tells deadlines apart that are ten seconds apart", () => {
    expect(lanePriority(20_000, 0) - lanePriority(10_000, 0)).toBe(1);
    expect([lanePriority(-5, 0), lanePriority(0, 0), lanePriority(10_000, 0)]).toEqual([1, 1, 2]);
  });
});

describe("parseDuration", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["0s", 0],
  ])("reads %s as %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "30", "s", "1.5h", "-1s", " 1s", "1 s", "1s\n", "1S", "1h30m", "9999999999999999d", "١s"])(
    "does not read %j",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe("createProgressEstimate", () => {
  test("knows no end before something has moved", () => {
    const estimate = createProgressEstimate({ total: 10 });
    expect(estimate.read()).toEqual({ perSecond: 0, etaMs: undefined });
    estimate.add({ at: 0, done: 0 });
    estimate.add({ at: 1_000, done: 0 });
    expect(estimate.read()).toEqual({ perSecond: 0, etaMs: undefined });
  });

  test("divides what is left by the rate", () => {
    const estimate = createProgressEstimate({ total: 100 });
    estimate.add({ at: 0, done: 0 });
    estimate.add({ at: 10_000, done: 20 });
    expect(estimate.read()).toEqual({ perSecond: 2, etaMs: 40_000 });
  });

  test("follows a change of pace within its window", () => {
    const estimate = createProgressEstimate({ total: 1_000, windowMs: 10_000 });
    for (let second = 0; second <= 60; second += 1) estimate.add({ at: second * 1_000, done: second });
    for (let second = 61; second <= 80; second += 1)
      estimate.add({ at: second * 1_000, done: 60 + (second - 60) * 5 });
    expect(estimate.read().perSecond).toBeCloseTo(5);
  });

  test("has no time left once all lines have ended", () => {
    const estimate = createProgressEstimate({ total: 5 });
    estimate.add({ at: 0, done: 5 });
    estimate.add({ at: 1, done: 5 });
    expect(estimate.read().etaMs).toBe(0);
  });
});

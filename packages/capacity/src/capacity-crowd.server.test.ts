import type { TargetLimits } from "@sluice/domain";
import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { expect, test } from "vitest";
import { runCrowd } from "./testing/crowd.ts";

const crowd = array(
  record({
    urgency: integer({ min: 0, max: 50 }),
    output: constantFrom(10, 50, 200),
    latencyMs: constantFrom(50, 1_000, 8_000),
    share: constantFrom(0.2, 1, 1),
    tenant: constantFrom("a", "a", "b", "c"),
  }),
  { minLength: 5, maxLength: 60 },
);

test("every job of any crowd has its turn, and nobody waits in vain", async () => {
  await assert(
    asyncProperty(
      crowd,
      constantFrom<TargetLimits>(
        { concurrency: 2 },
        { requestsPerMinute: 10 },
        { tokensPerMinute: 600, concurrency: 4 },
      ),
      async (jobs, limits) => {
        const { order, counts } = await runCrowd(jobs, { limits });
        expect(order.toSorted((a, b) => a - b)).toEqual([...jobs.keys()]);
        // A turn, the refusal that parked it, and few wrong guesses.
        expect(counts.reserves).toBeLessThanOrEqual(6 * jobs.length);
      },
    ),
    { numRuns: 40 },
  );
});

test("500 jobs behind a limit of requests ask about twice each, in order, and use all of it", async () => {
  const jobs = Array.from({ length: 500 }, (_, n) => ({
    urgency: (n * 7919) % 500,
    output: 10,
    latencyMs: 700,
    share: 1,
  }));
  const { order, counts, elapsedMs } = await runCrowd(jobs, { limits: { requestsPerMinute: 100 } });
  const urgencies = order.slice(100).map((n) => jobs[n]?.urgency ?? 0);
  const rounds = (of: number[]) => [0, 100, 200, 300].map((at) => new Set(of.slice(at, at + 100)));
  // Those who have room at the same moment may come in any order.
  expect(rounds(urgencies)).toEqual(rounds(urgencies.toSorted((a, b) => a - b)));
  expect(counts.reserves).toBeLessThanOrEqual(4 * jobs.length);
  // 100 at once, then 100 each minute as the window slides, the last ones after four minutes.
  expect(elapsedMs).toBeLessThan(4 * 60_750 * 1.03);
});

test("500 jobs behind 8 places come one by one as places come free, without asking in between", async () => {
  const jobs = Array.from({ length: 500 }, (_, n) => ({
    urgency: (n * 7919) % 500,
    output: 10,
    latencyMs: 1_000 + (n % 7) * 50,
    share: 1,
  }));
  const { order, counts, elapsedMs } = await runCrowd(jobs, { limits: { concurrency: 8 } });
  const parkedOrder = order.slice(8).map((n) => jobs[n]?.urgency ?? 0);
  expect(parkedOrder).toEqual(parkedOrder.toSorted((a, b) => a - b));
  expect(counts.reserves).toBeLessThanOrEqual(3 * jobs.length);
  expect(elapsedMs).toBeLessThan((500 / 8) * 1_300 * 1.03);
});

test.each<TargetLimits>([{ requestsPerMinute: 100 }, { tokensPerMinute: 6_000 }, { concurrency: 8 }])(
  "500 jobs of twenty tenants behind %o ask no more often than those of one",
  async (limits) => {
    const jobs = Array.from({ length: 500 }, (_, n) => ({
      urgency: (n * 7919) % 500,
      output: [10, 40, 90][n % 3] ?? 0,
      latencyMs: 1_000 + (n % 7) * 50,
      share: 1,
      tenant: `t${n % 20}`,
      weight: 1 + (n % 3),
    }));
    const { order, counts } = await runCrowd(jobs, { limits });
    expect(new Set(order).size).toBe(500);
    expect(counts.reserves).toBeLessThanOrEqual(4 * jobs.length);
  },
);

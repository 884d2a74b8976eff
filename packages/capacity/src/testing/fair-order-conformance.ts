import type { TargetLimits } from "@sluice/domain";
import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { type CrowdJob, type CrowdMoment, type OpenCapacity, runCrowd } from "./crowd.ts";

function jobsOf(tenant: string, count: number, changes: Partial<CrowdJob> = {}): CrowdJob[] {
  const usual = { output: 90, latencyMs: 800, share: 1, tenant };
  return Array.from({ length: count }, (_, n) => ({ urgency: n, ...usual, ...changes }));
}

/** Jain's index of what two tenants were given by weight: 1 when alike, 1/2 when one has all. */
function jain(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, share) => total + share ** 2, 0));
}

/** What each of the tenants was given from the moment at which both wait until `until` has nobody left. */
interface Sharing {
  readonly until: string;
  readonly open: OpenCapacity;
  readonly limits?: TargetLimits;
}

async function shareOf(jobs: readonly CrowdJob[], { until, open, limits = { concurrency: 4 } }: Sharing) {
  let from: CrowdMoment | undefined;
  let last: CrowdMoment | undefined;
  await runCrowd(jobs, {
    open,
    limits,
    onMoment(moment) {
      const both = (moment.waiting.get("a") ?? 0) > 0 && (moment.waiting.get("b") ?? 0) > 0;
      if (both) {
        from ??= moment;
        last = moment;
      }
      return from === undefined || (moment.waiting.get(until) ?? 0) > 0;
    },
  });
  const given = (tenant: string) => (last?.tokens.get(tenant) ?? 0) - (from?.tokens.get(tenant) ?? 0);
  return { a: given("a"), b: given("b") };
}

const weights = new Map([
  ["a", 1],
  ["b", 2],
  ["c", 0.5],
]);
const crowd = array(
  record({
    tenant: constantFrom("a", "b", "c"),
    urgency: integer({ min: 0, max: 50 }),
    output: constantFrom(10, 50, 200),
    // Not so long that a target counts as silent: while it is probed, turns do not count.
    latencyMs: constantFrom(50, 1_000, 3_000),
    arrivesMs: constantFrom(0, 0, 100, 5_000, 20_000),
  }),
  { minLength: 30, maxLength: 90 },
);

/** For tests: how every capacity shares a target between tenants; `runs` of each property. */
export function fairOrderConformance(name: string, open: OpenCapacity, runs: number): void {
  describe(`${name}: tenants that wait for one target share it by tokens`, () => {
    test("3,000 jobs with earlier deadlines do not hold back 50 that come by another alias", async () => {
      const early = jobsOf("a", 3_000, { model: "auto" });
      const late = jobsOf("b", 50, { urgency: 1_000_000, model: "other", arrivesMs: 1_000 });
      // The slack is a second of the token limit: nearly ten calls.
      const limits = { tokensPerMinute: 60_000, concurrency: 8 };
      const { a, b } = await shareOf([...early, ...late], { until: "b", open, limits });
      expect(b).toBeGreaterThanOrEqual(45 * 100);
      expect(jain([a, b])).toBeGreaterThanOrEqual(0.98);
    });

    test("and not by calls: short calls come more often than long ones", async () => {
      const short = jobsOf("a", 400, { output: 40 });
      const long = jobsOf("b", 40, { output: 390, urgency: 1_000_000 });
      const { a, b } = await shareOf([...short, ...long], { until: "b", open });
      expect(b).toBeGreaterThanOrEqual(35 * 400);
      expect(jain([a, b])).toBeGreaterThanOrEqual(0.98);
    });

    test("by weight", async () => {
      const heavy = jobsOf("a", 300, { weight: 3, urgency: 1_000_000 });
      const light = jobsOf("b", 100, { weight: 1 });
      const { a, b } = await shareOf([...heavy, ...light], { until: "a", open });
      expect(a).toBeGreaterThanOrEqual(200 * 100);
      expect(jain([a / 3, b])).toBeGreaterThanOrEqual(0.98);
    });

    test("by what calls took in truth, not by what was expected of them", async () => {
      const overrun = jobsOf("a", 300, { share: 3 });
      const exact = jobsOf("b", 100, { urgency: 1_000_000 });
      const { a, b } = await shareOf([...overrun, ...exact], { until: "b", open });
      expect(b).toBeGreaterThanOrEqual(60 * 100);
      expect(jain([a, b])).toBeGreaterThanOrEqual(0.98);
    });
  });

  test(`${name}: no two tenants that both wait all the time drift further apart than two slacks and a call each`, async () => {
    const limits = { tokensPerMinute: 600, concurrency: 6 };
    const largest = 210;
    const slack = Math.max(582 / 60, largest);
    await assert(
      asyncProperty(crowd, async (all) => {
        const jobs = all.map((job) => ({ ...job, share: 1, weight: weights.get(job.tenant) ?? 1 }));
        const lead = (moment: CrowdMoment, one: string, other: string): number => {
          const service = (tenant: string) => (moment.tokens.get(tenant) ?? 0) / (weights.get(tenant) ?? 1);
          return service(one) - service(other);
        };
        const least = new Map<string, number>();
        const onMoment = (moment: CrowdMoment): boolean => {
          for (const one of weights.keys())
            for (const other of weights.keys()) {
              const pair = `${one} ${other}`;
              if (!moment.waiting.has(one) || !moment.waiting.has(other)) least.delete(pair);
              else {
                const now = lead(moment, one, other);
                least.set(pair, Math.min(now, least.get(pair) ?? now));
                const bound = (of: string) => (2 * slack + largest) / (weights.get(of) ?? 1);
                expect(now - (least.get(pair) ?? now)).toBeLessThanOrEqual(bound(one) + bound(other));
              }
            }
          return true;
        };
        const { order } = await runCrowd(jobs, { limits, onMoment, open });
        expect(order.toSorted((a, b) => a - b)).toEqual([...jobs.keys()]);
      }),
      { numRuns: runs },
    );
  });
}

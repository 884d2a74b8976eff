import {
  type CountedUse,
  type ParkedJob,
  type RebuildableCapacity,
  reservationId,
  tenantId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { nothingCounts, take, use, warmUp } from "./setup.ts";
import { type createTestClock, testRequest, testTarget, testTurn } from "./values.ts";

/** For tests: a capacity that has lost everything. */
export interface ColdCapacityUnderTest {
  readonly capacity: RebuildableCapacity;
  readonly clock: ReturnType<typeof createTestClock>;
  /** Jobs that were told of room. */
  readonly woken: ParkedJob[];
}

const cold = { kind: "denied", limit: "target.cold", waitMs: 1_000 };
const tenant = { id: tenantId("t1"), limits: { requestsPerMinute: 100 } };
const id = reservationId("w1", "00000000-0000-7000-8000-000000000001");

/** A call under way, of the target `a` and the tenant `t1`, with budgets. */
const running = {
  reservationId: id,
  startedAgoMs: 5_000,
  leaseMs: 20_000,
  inputTokens: 10,
  outputTokens: 100,
  usd: 0.5,
  budgets: [
    { key: "batch:1", window: "total" },
    { key: "key:7", window: "day" },
  ],
  scopes: [
    { scope: "target", id: "a", countsDay: true },
    { scope: "tenant", id: "t1", countsDay: false },
  ],
} as const;

/** For tests: how every capacity comes back from a loss; `setup` makes one that has lost everything. */
export function coldConformance(name: string, setup: () => Promise<ColdCapacityUnderTest>): void {
  describe(`${name} after a loss`, () => {
    test("grants nothing until it is rebuilt, and then all that fits", async () => {
      const { capacity } = await setup();
      const request = testRequest(testTarget("a"));
      expect(await capacity.reserve(request)).toEqual(cold);
      await warmUp(capacity);
      await take(capacity, request);
    });

    test("is rebuilt a second after the cold was noticed, by the one whose claim holds", async () => {
      const { capacity, clock } = await setup();
      const claim = (token: string) => capacity.claimRebuild({ token, settleMs: 1_000, claimMs: 6_000 });
      expect(await claim("one")).toEqual({ kind: "wait", waitMs: 1_000 });
      clock.advance(999);
      expect(await claim("two")).toEqual({ kind: "wait", waitMs: 1 });
      clock.advance(1);
      expect(await claim("one")).toEqual({ kind: "claimed" });
      expect(await claim("two")).toEqual({ kind: "wait", waitMs: 6_000 });
      expect(await capacity.warm("two", nothingCounts)).toBe(false);
      clock.advance(5_000);
      const prolong = (token: string) => capacity.claimRebuild({ token, claimMs: 6_000 });
      expect(await prolong("one")).toEqual({ kind: "claimed" });
      clock.advance(6_000);
      expect(await claim("two")).toEqual({ kind: "claimed" });
      expect(await prolong("one")).toEqual({ kind: "wait", waitMs: 0 });
      expect(await capacity.warm("one", nothingCounts)).toBe(false);
      expect(await capacity.reserve(testRequest(testTarget("a")))).toEqual(cold);
      expect(await capacity.warm("two", nothingCounts)).toBe(true);
      expect(await capacity.warm("two", nothingCounts)).toBe(false);
      expect(await claim("one")).toEqual({ kind: "warm" });
    });

    test("counts calls that were sent until they have left the window, at the target and at the tenant", async () => {
      const { capacity, clock } = await setup();
      const amounts = { requests: 2, inputTokens: 30, outputTokens: 20 };
      const sent = [
        { scope: "target", id: "a", agoMs: 40_000, ...amounts },
        { scope: "target", id: "a", agoMs: 10_000, ...amounts, requests: 1 },
        { scope: "target", id: "a", agoMs: 61_000, ...amounts },
        { scope: "tenant", id: "t1", agoMs: 10_000, ...amounts, requests: 99 },
      ] as const;
      await warmUp(capacity, { ...nothingCounts, sent });
      const three = testRequest(testTarget("a", { requestsPerMinute: 3 }));
      expect(await capacity.reserve(three)).toMatchObject({
        limit: "target.requests_per_minute",
        waitMs: 20_750,
      });
      const tokens = testRequest(testTarget("a", { tokensPerMinute: 119 }));
      expect(await capacity.reserve(tokens)).toMatchObject({
        limit: "target.tokens_per_minute",
        waitMs: 20_750,
      });
      const ofTenant = testRequest(testTarget("b"), { tenant });
      await take(capacity, ofTenant);
      expect(await capacity.reserve(ofTenant)).toMatchObject({
        limit: "tenant.requests_per_minute",
        waitMs: 50_750,
      });
      clock.advance(20_750);
      await take(capacity, three);
    });

    test("lets a call under way end as if nothing had happened", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { concurrency: 1, requestsPerMinute: 2, tokensPerDay: 500 });
      const hour = Math.floor(clock.now() / 3_600_000);
      await warmUp(capacity, {
        sent: [],
        hours: [{ scope: "target", id: "a", hour, tokens: 410, usd: 0.75 }],
        running: [running],
        budgets: [
          { key: "batch:1", window: "total", hour: 0, usd: 0.75 },
          { key: "key:7", window: "day", hour, usd: 0.75 },
        ],
      });
      expect(await capacity.reservationsOf("w1")).toEqual([id]);
      const reservation = { id, targetId: "a", tenantId: tenant.id };
      expect(await capacity.holds(reservation)).toBe(true);
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ limit: "target.concurrency" });
      const budget = (usd: number) => [{ key: "batch:1", usd, window: "total" } as const];
      const money = (usd: number) =>
        testRequest(testTarget("b"), { costUsd: 0.25, budgets: budget(usd), owner: "w2" });
      // The call under way may leave enough; of what is spent for good, 0.25 is.
      expect(await capacity.reserve(money(0.75))).toMatchObject({ limit: "budget.batch" });
      expect(await capacity.reserve(money(0.75))).not.toHaveProperty("isExhausted");
      expect(await capacity.reserve(money(0.4))).toMatchObject({ isExhausted: true });
      await capacity.settle(reservation, { ...use(10, 20, 1_000), costUsd: 0.1 });
      expect(await capacity.reserve(money(0.6))).toMatchObject({ kind: "granted" });
      // 410 - 80 of 500 are left of the day for this; it was sent 4 s ago.
      await take(capacity, testRequest(target, { inputTokens: 100, outputTokens: 60 }));
      expect(await capacity.reserve(testRequest(testTarget("a", { tokensPerDay: 500 })))).toMatchObject({
        limit: "target.tokens_per_day",
      });
      const full = await capacity.reserve(testRequest(testTarget("a", { requestsPerMinute: 2 })));
      expect(full).toMatchObject({ limit: "target.requests_per_minute", waitMs: 56_750 });
      expect(await capacity.reservationsOf("w1")).toHaveLength(1);
    });

    test("frees the place of a call whose worker has died, and counts it from the end of its lease", async () => {
      const { capacity } = await setup();
      await warmUp(capacity, { ...nothingCounts, running: [{ ...running, budgets: [], leaseMs: -10_000 }] });
      expect(await capacity.reservationsOf("w1")).toEqual([]);
      const target = testTarget("a", { concurrency: 1, requestsPerMinute: 1 });
      expect(await capacity.reserve(testRequest(target))).toMatchObject({
        limit: "target.requests_per_minute",
        waitMs: 50_750,
      });
    });

    test("lets what ends meanwhile change nothing", async () => {
      const { capacity } = await setup();
      const reservation = { id, targetId: "a", tenantId: tenant.id };
      await capacity.settle(reservation, use(10, 20));
      await capacity.release(reservation);
      const target = testTarget("a", { requestsPerMinute: 1, concurrency: 1 });
      await capacity.learn(target, { requests: { remaining: 0, resetMs: 50_000 } });
      await warmUp(capacity);
      await take(capacity, testRequest(target));
    });

    test("keeps jobs waiting without looking again and again, and wakes those that have room then", async () => {
      const { capacity, woken } = await setup();
      const target = testTarget("a", { requestsPerMinute: 1 });
      const turn = testTurn(Number.MAX_SAFE_INTEGER);
      const request = testRequest(target, { turn });
      const answer = await capacity.reserve(request);
      if (answer.kind === "granted") throw new Error("granted");
      const parked = await capacity.park(turn, [{ ...answer, request }]);
      expect(parked).toEqual({ kind: "parked", waitMs: 5_000 });
      const { jobId, model } = turn;
      expect(woken).toEqual([]);
      await warmUp(capacity);
      expect(woken).toEqual([{ jobId, model }]);
      await take(capacity, request);
    });

    test("wakes nobody for whom there is no room", async () => {
      const { capacity, woken } = await setup();
      const turn = testTurn(Number.MAX_SAFE_INTEGER);
      const request = testRequest(testTarget("a", { requestsPerMinute: 1 }), { turn });
      const answer = await capacity.reserve(request);
      if (answer.kind === "granted") throw new Error("granted");
      await capacity.park(turn, [{ ...answer, request }]);
      const amounts = { requests: 1, inputTokens: 1, outputTokens: 1 };
      const use: CountedUse = {
        ...nothingCounts,
        sent: [{ scope: "target", id: "a", agoMs: 58_000, ...amounts }],
      };
      await warmUp(capacity, use);
      expect(woken).toEqual([]);
    });
  });
}

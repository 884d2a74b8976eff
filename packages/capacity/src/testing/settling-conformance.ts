import { tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take, use } from "./setup.ts";
import { testRequest, testTarget } from "./values.ts";

/** For tests: what every capacity makes of the ends of calls; `setup` makes an empty one. */
export function settlingConformance(setup: () => Promise<CapacityUnderTest>): void {
  describe("settle", () => {
    test("counts what was really taken: less makes room at once, more is debt", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { tokensPerMinute: 100 });
      const first = await take(capacity, testRequest(target, { inputTokens: 80 }));
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied" });
      await capacity.settle(first, use(5, 5));
      const second = await take(capacity, testRequest(target));
      await capacity.settle(second, use(10, 200));
      expect(await capacity.signals([target])).toMatchObject({ a: { tokensUsed: 1, inFlight: 0 } });
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied" });
    });

    test("keeps the expected output counted when the upstream did not say", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { tokensPerMinute: 100 });
      await capacity.settle(
        await take(capacity, testRequest(target, { outputTokens: 40 })),
        use(10, undefined),
      );
      expect(await capacity.signals([target])).toMatchObject({ a: { tokensUsed: 0.5 } });
    });

    test("lets an entry age from when it was sent, and a little later", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { requestsPerMinute: 1 });
      const slow = await take(capacity, testRequest(target));
      clock.advance(20_000);
      await capacity.settle(slow, use(10, 10, 5_000));
      // Sent 15 s ago, counted by the upstream at most 750 ms later.
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied", waitMs: 45_750 });
    });

    test("counts a call for as long as it is in flight", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { requestsPerMinute: 1 });
      await take(capacity, testRequest(target, { leaseMs: 500_000 }));
      clock.advance(400_000);
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied" });
    });

    test("does nothing for a reservation that is not known, or a second time", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { tokensPerMinute: 1_000, concurrency: 5 });
      const reservation = await take(capacity, testRequest(target));
      await capacity.settle(reservation, use(10, 10));
      const before = await capacity.signals([target]);
      await capacity.settle(reservation, use(500, 500));
      await capacity.release(reservation);
      await capacity.release({ id: "w1/unknown", targetId: "a", tenantId: tenantId("t1") });
      expect(await capacity.signals([target])).toEqual(before);
    });

    test("learns how long answers are and how estimates of prompts compare", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { inputTokensPerMinute: 1_000_000 });
      expect((await capacity.signals([target]))["a"]?.expectedOutputTokens).toBeUndefined();
      for (let n = 0; n < 200; n += 1) {
        const reservation = await take(capacity, testRequest(target, { inputTokens: 100 }));
        await capacity.settle(reservation, use(130, n % 2 === 0 ? 80 : 120));
      }
      const { expectedOutputTokens = 0 } = (await capacity.signals([target]))["a"] ?? {};
      expect(Math.abs(expectedOutputTokens - 120)).toBeLessThanOrEqual(3);
      const before = (await capacity.signals([target]))["a"]?.tokensUsed ?? 0;
      await take(capacity, testRequest(target, { inputTokens: 1_000 }));
      const after = (await capacity.signals([target]))["a"]?.tokensUsed ?? 0;
      expect((after - before) * 1_000_000).toBeCloseTo(1_300, -1);
    });
  });

  describe("leases", () => {
    test("a reservation whose owner is gone frees its place, and its tokens stay in the window", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { concurrency: 1, requestsPerMinute: 100, tokensPerMinute: 1_000 });
      const lost = await take(capacity, testRequest(target));
      clock.advance(30_000);
      const signals = (await capacity.signals([target]))["a"];
      expect(signals).toMatchObject({ inFlight: 0, requestsUsed: 0.01, tokensUsed: 0.02 });
      await capacity.settle(lost, use(10, 500));
      await take(capacity, testRequest(target, { owner: "w2" }));
      // It could be sent until the lease ended, and be counted 750 ms after that.
      clock.advance(60_749);
      await capacity.renew("w2", 30_000);
      expect((await capacity.signals([target]))["a"]?.tokensUsed).toBe(0.04);
      clock.advance(1);
      expect((await capacity.signals([target]))["a"]?.tokensUsed).toBe(0.02);
    });

    test("renewing keeps all reservations of the owner, and of no other", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { concurrency: 10 });
      await take(capacity, testRequest(target));
      await take(capacity, testRequest(target));
      await take(capacity, testRequest(target, { owner: "w2" }));
      clock.advance(20_000);
      await capacity.renew("w1", 30_000);
      clock.advance(20_000);
      expect((await capacity.signals([target]))["a"]?.inFlight).toBe(2);
    });

    test("renewing does not revive a lease that is over", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { concurrency: 10 });
      await take(capacity, testRequest(target));
      clock.advance(30_000);
      await capacity.renew("w1", 30_000);
      expect((await capacity.signals([target]))["a"]?.inFlight).toBe(0);
    });
  });
}

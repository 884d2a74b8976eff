import { tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take, use } from "./setup.ts";
import { testRequest, testTarget } from "./values.ts";

/** For tests: the limits that every capacity keeps; `setup` makes an empty one. */
export function limitsConformance(setup: () => Promise<CapacityUnderTest>): void {
  test("the signals tell the tokens of the calls in flight, however each of them ends", async () => {
    const { capacity, clock } = await setup();
    const target = testTarget("a", {});
    const inFlight = async () => (await capacity.signals([target]))["a"]?.inFlightTokens;
    const call = (outputTokens: number) =>
      take(capacity, testRequest(target, { inputTokens: 10, outputTokens, leaseMs: 30_000 }));
    const [settled, released] = [await call(20), await call(300)];
    await call(4_000);
    expect(await inFlight()).toBe(4_350);
    await capacity.settle(settled, use(12, 55));
    expect(await inFlight()).toBe(4_320);
    await capacity.release(released);
    expect(await inFlight()).toBe(4_010);
    clock.advance(30_000);
    expect(await inFlight()).toBe(0);
  });

  describe("reserve", () => {
    test("grants up to the limit of requests, and again when the oldest has left the window", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { requestsPerMinute: 2 });
      for (let n = 0; n < 2; n += 1) {
        await capacity.settle(await take(capacity, testRequest(target)), use(10, 10));
        clock.advance(10_000);
      }
      const denied = await capacity.reserve(testRequest(target));
      expect(denied).toEqual({ kind: "denied", limit: "target.requests_per_minute", waitMs: 40_000 });
      clock.advance(39_999);
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied", waitMs: 1 });
      clock.advance(1);
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "granted" });
    });

    test.each([
      ["target.tokens_per_minute", { tokensPerMinute: 100 }, 4],
      ["target.input_tokens_per_minute", { inputTokensPerMinute: 100 }, 9],
      ["target.output_tokens_per_minute", { outputTokensPerMinute: 100 }, 9],
      ["target.concurrency", { concurrency: 3 }, 3],
    ])("keeps %s, of token limits 97 %%", async (limit, limits, times) => {
      const { capacity } = await setup();
      const target = testTarget("a", limits);
      for (let n = 0; n < times; n += 1) await take(capacity, testRequest(target));
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied", limit });
    });

    test.each([
      ["tenant.requests_per_minute", { requestsPerMinute: 2 }],
      ["tenant.tokens_per_minute", { tokensPerMinute: 40 }],
      ["tenant.concurrency", { concurrency: 2 }],
    ])("keeps %s over all targets, for that tenant only", async (limit, limits) => {
      const { capacity } = await setup();
      const tenant = { id: tenantId("t1"), limits };
      await take(capacity, testRequest(testTarget("a"), { tenant }));
      await take(capacity, testRequest(testTarget("b"), { tenant }));
      expect(await capacity.reserve(testRequest(testTarget("c"), { tenant }))).toMatchObject({
        kind: "denied",
        limit,
      });
      const other = { id: tenantId("t2"), limits };
      expect(await capacity.reserve(testRequest(testTarget("c"), { tenant: other }))).toMatchObject({
        kind: "granted",
      });
    });

    test("takes nothing from any limit when one denies", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { requestsPerMinute: 10 });
      const tenant = { id: tenantId("t1"), limits: { concurrency: 1 } };
      const first = await take(capacity, testRequest(target, { tenant }));
      expect(await capacity.reserve(testRequest(target, { tenant }))).toMatchObject({
        limit: "tenant.concurrency",
      });
      await capacity.release(first);
      expect(await capacity.signals([target])).toMatchObject({
        a: { inFlight: 0, requestsUsed: 0, tokensUsed: 0 },
      });
    });

    test("names the limit that takes longest to clear", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { requestsPerMinute: 1, concurrency: 1 });
      await capacity.settle(await take(capacity, testRequest(target)), use(10, 10));
      const tenant = { id: tenantId("t1"), limits: { concurrency: 1 } };
      await take(capacity, testRequest(testTarget("b"), { tenant }));
      const answer = await capacity.reserve(testRequest(target, { tenant }));
      expect(answer).toEqual({ kind: "denied", limit: "target.requests_per_minute", waitMs: 60_000 });
    });

    test("lets a call that is larger than the whole limit take an empty window", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { tokensPerMinute: 100 });
      const small = await take(capacity, testRequest(target));
      expect(await capacity.reserve(testRequest(target, { inputTokens: 500 }))).toMatchObject({
        kind: "denied",
      });
      await capacity.settle(small, use(10, 10));
      clock.advance(60_000);
      await take(capacity, testRequest(target, { inputTokens: 500 }));
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied" });
    });
  });

  describe("daily limits", () => {
    const hourMs = 3_600_000;

    test("money is reserved at its worst and settled at its price, and never overdrawn in any 24 hours", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { usdPerDay: 1 });
      const dear = testRequest(target, { costUsd: 0.6 });
      const first = await take(capacity, dear);
      expect(await capacity.reserve(dear)).toMatchObject({ kind: "denied", limit: "target.usd_per_day" });
      await capacity.settle(first, { ...use(10, 10), costUsd: 0.4 });
      const second = await take(capacity, dear);
      await capacity.release(second);
      await capacity.settle(await take(capacity, dear), { ...use(10, 10), costUsd: 0.6 });
      const denied = await capacity.reserve(testRequest(target, { costUsd: 0.000_001 }));
      if (denied.kind === "granted") throw new Error("overdrawn");
      expect(denied.waitMs).toBeGreaterThanOrEqual(24 * hourMs);
      expect(denied.waitMs).toBeLessThanOrEqual(25 * hourMs);
      clock.advance(denied.waitMs - 1);
      expect(await capacity.reserve(dear)).toMatchObject({ kind: "denied", waitMs: 1 });
      clock.advance(1);
      expect(await capacity.reserve(dear)).toMatchObject({ kind: "granted" });
    });

    test("a call that alone costs more than the day's money is never granted", async () => {
      const { capacity } = await setup();
      const answer = await capacity.reserve(
        testRequest(testTarget("a", { usdPerDay: 1 }), { costUsd: 1.01 }),
      );
      expect(answer).toMatchObject({ kind: "denied", limit: "target.usd_per_day" });
    });

    test("tokens of a target and money of a tenant are kept as well", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { tokensPerDay: 50 });
      await take(capacity, testRequest(target));
      await take(capacity, testRequest(target));
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ limit: "target.tokens_per_day" });
      const tenant = { id: tenantId("t1"), limits: { usdPerDay: 0.5 } };
      await take(capacity, testRequest(testTarget("b"), { tenant, costUsd: 0.5 }));
      const more = testRequest(testTarget("c"), { tenant, costUsd: 0.1 });
      expect(await capacity.reserve(more)).toMatchObject({ limit: "tenant.usd_per_day" });
    });
  });
}

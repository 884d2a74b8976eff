import type { Reservation } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take, use } from "./setup.ts";
import { testRequest, testTarget } from "./values.ts";

/** For tests: what every capacity learns of upstreams; `setup` makes an empty one. */
export function upstreamConformance(setup: () => Promise<CapacityUnderTest>): void {
  describe("learn", () => {
    const limits = { requestsPerMinute: 100, tokensPerMinute: 10_000 };

    test("takes over that less is left than we think, until the upstream's reset", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", limits);
      await capacity.learn(target, {
        requests: { limit: 100, remaining: 25, resetMs: 10_000 },
        tokens: { remaining: 9_000 },
      });
      expect((await capacity.signals([target]))["a"]).toMatchObject({ requestsUsed: 0.75, tokensUsed: 0.1 });
      clock.advance(10_000);
      expect((await capacity.signals([target]))["a"]).toMatchObject({ requestsUsed: 0, tokensUsed: 0.1 });
      clock.advance(50_000);
      expect((await capacity.signals([target]))["a"]).toMatchObject({ tokensUsed: 0 });
    });

    test("changes nothing when more is left, when a limit is not stated, or when nothing is said", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", limits);
      await take(capacity, testRequest(target));
      const before = await capacity.signals([target]);
      await capacity.learn(target, {
        requests: { limit: 100, remaining: 99 },
        tokens: { limit: 10_000, remaining: 10_000 },
      });
      await capacity.learn(target, { requests: { limit: 100 } });
      await capacity.learn(testTarget("a"), { requests: { limit: 100, remaining: 0 } });
      expect(await capacity.signals([target])).toEqual(before);
    });

    test("does not take for use by others what was still in the window when the call was granted", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a", { ...limits, concurrency: 100 });
      const held: Reservation[] = [];
      for (let n = 0; n < 100; n += 1) held.push(await take(capacity, testRequest(target)));
      for (const reservation of held) await capacity.settle(reservation, use(10, 10));
      clock.advance(60_000);
      // The last call saw a full window; by now all of it has left.
      await capacity.learn(target, { requests: { limit: 100, remaining: 0, resetMs: 60_000 } }, held.at(-1));
      expect((await capacity.signals([target]))["a"]?.requestsUsed).toBe(0);
    });
  });

  describe("pause", () => {
    test("denies until its end, is never shortened by another, and can be ended", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a");
      await capacity.pause("a", clock.now() + 5_000, "throttled");
      await capacity.pause("a", clock.now() + 1_000, "throttled");
      expect(await capacity.reserve(testRequest(target))).toEqual({
        kind: "denied",
        limit: "target.paused",
        waitMs: 5_000,
      });
      expect((await capacity.signals([target]))["a"]?.pausedUntil).toBe(clock.now() + 5_000);
      await capacity.pause("a", 0, "resumed");
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "granted" });
      await capacity.pause("a", clock.now() + 5_000, "throttled");
      clock.advance(5_000);
      expect((await capacity.signals([target]))["a"]?.pausedUntil).toBe(0);
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "granted" });
    });
  });

  describe("observe", () => {
    test("tells the latency of good calls and the rate of failures, both fading", async () => {
      const { capacity, clock } = await setup();
      const target = testTarget("a");
      const read = async () => (await capacity.signals([target]))["a"];
      expect(await read()).toMatchObject({ latencyMs: undefined, errorRate: 0 });
      await capacity.observe("a", { latencyMs: 100, ok: true });
      await capacity.observe("a", { latencyMs: 300, ok: true });
      await capacity.observe("a", { latencyMs: 9_000, ok: false });
      expect(await read()).toMatchObject({ latencyMs: 200, errorRate: 0.25 });
      clock.advance(120_000);
      const later = await read();
      expect(later?.latencyMs).toBeCloseTo(200);
      expect(later?.errorRate).toBeLessThan(0.03);
      await capacity.observe("a", { latencyMs: 1_000, ok: true });
      expect((await read())?.latencyMs).toBeGreaterThan(950);
    });
  });
}

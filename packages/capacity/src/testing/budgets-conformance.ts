import type { Budget } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take, use } from "./setup.ts";
import { testRequest, testTarget } from "./values.ts";

const target = testTarget("a", {});
const hourMs = 3_600_000;

/** For tests: how every capacity keeps budgets of money; `setup` makes an empty one. */
export function budgetsConformance(setup: () => Promise<CapacityUnderTest>): void {
  describe("budgets", () => {
    const batch: Budget = { key: "batch:1", usd: 1, window: "total", spentUsd: 0 };
    const ask = (budgets: Budget[], costUsd: number, changes = {}) =>
      testRequest(target, { budgets, costUsd, ...changes });

    test("hold the worst case of a call, and keep what it cost", async () => {
      const { capacity } = await setup();
      const first = await take(capacity, ask([batch], 0.6));
      expect(await capacity.reserve(ask([batch], 0.6))).toMatchObject({
        kind: "denied",
        limit: "budget.batch",
      });
      await capacity.settle(first, { ...use(10, 10), costUsd: 0.3 });
      const second = await take(capacity, ask([batch], 0.6));
      await capacity.settle(second, { ...use(10, 10), costUsd: 0.2 });
      expect(await capacity.reserve(ask([batch], 0.5))).toMatchObject({ kind: "granted" });
    });

    test("get back what was held for a call that was not made", async () => {
      const { capacity } = await setup();
      await capacity.release(await take(capacity, ask([batch], 0.9)));
      expect(await capacity.reserve(ask([batch], 1))).toMatchObject({ kind: "granted" });
    });

    test("say when they are exhausted for good, and not while a call under way may leave enough", async () => {
      const { capacity } = await setup();
      const first = await take(capacity, ask([batch], 0.6));
      const refused = await capacity.reserve(ask([batch], 0.6));
      expect(refused).not.toHaveProperty("isExhausted");
      expect(refused).toMatchObject({ limit: "budget.batch", waitMs: 500 });
      await capacity.settle(first, { ...use(10, 10), costUsd: 0.5 });
      await capacity.pause(target.id, Number.MAX_SAFE_INTEGER, "throttled");
      expect(await capacity.reserve(ask([batch], 0.6))).toMatchObject({
        kind: "denied",
        limit: "budget.batch",
        isExhausted: true,
      });
    });

    test("of a day let go of money after 24 hours", async () => {
      const { capacity, clock } = await setup();
      const key: Budget = { key: "key:7", usd: 1, window: "day", spentUsd: 0 };
      await capacity.settle(await take(capacity, ask([key], 1)), { ...use(10, 10), costUsd: 0.8 });
      const refused = await capacity.reserve(ask([key], 0.5));
      if (refused.kind === "granted") throw new Error("overdrawn");
      expect(refused).toMatchObject({ limit: "budget.key" });
      expect(refused).not.toHaveProperty("isExhausted");
      expect(refused.waitMs).toBeGreaterThanOrEqual(24 * hourMs);
      clock.advance(refused.waitMs);
      expect(await capacity.reserve(ask([key], 0.5))).toMatchObject({ kind: "granted" });
    });

    test("take nothing from any of them when one refuses", async () => {
      const { capacity } = await setup();
      const key: Budget = { key: "key:7", usd: 0.1, window: "day", spentUsd: 0 };
      expect(await capacity.reserve(ask([batch, key], 0.5))).toMatchObject({ limit: "budget.key" });
      expect(await capacity.reserve(ask([batch], 1))).toMatchObject({ kind: "granted" });
    });

    test.each(["total", "day"] as const)(
      "of a %s begin at what was spent when they are not known",
      async (window) => {
        const { capacity } = await setup();
        const budget: Budget = { key: "batch:1", usd: 1, window, spentUsd: 0.7 };
        await take(capacity, ask([budget], 0.2));
        // By now it is known: what was spent counts once.
        expect(await capacity.reserve(ask([budget], 0.2))).toMatchObject({ limit: "budget.batch" });
        expect(await capacity.reserve(ask([{ ...budget, spentUsd: 0 }], 0.1))).toMatchObject({
          kind: "granted",
        });
      },
    );

    test.each(["total", "day"] as const)("of a %s ask what was spent when nobody knows", async (window) => {
      const { capacity } = await setup();
      const budget: Budget = { key: "batch:1", usd: 1, window };
      const known: Budget = { key: "key:7", usd: 1, window: "day", spentUsd: 0 };
      const refused = { kind: "denied", limit: "budget.batch", waitMs: 0, isUnknown: true };
      expect(await capacity.reserve(ask([known, budget], 0.2))).toEqual(refused);
      await take(capacity, ask([known, { ...budget, spentUsd: 0.7 }], 0.2));
      expect(await capacity.reserve(ask([known, budget], 0.1))).toMatchObject({ kind: "granted" });
      const full = await capacity.reserve(ask([known, budget], 0.1));
      expect(full).toMatchObject({ limit: "budget.batch" });
      expect(full).not.toHaveProperty("isUnknown");
    });

    test("hold for as long as the reservation is known", async () => {
      const { capacity, clock } = await setup();
      const [settled, released, lapsed] = [
        await take(capacity, ask([batch], 0.1)),
        await take(capacity, ask([batch], 0.1)),
        await take(capacity, ask([batch], 0.1, { owner: "wrk_dies" })),
      ];
      expect(await capacity.holds(settled)).toBe(true);
      await capacity.settle(settled, use(1, 1));
      await capacity.release(released);
      clock.advance(31_000);
      await capacity.reserve(ask([batch], 0.1));
      for (const one of [settled, released, lapsed]) expect(await capacity.holds(one)).toBe(false);
    });

    test("count what a dead worker held as spent", async () => {
      const { capacity, clock } = await setup();
      await take(capacity, ask([batch], 0.6));
      clock.advance(31_000);
      expect(await capacity.reserve(ask([batch], 0.6))).toMatchObject({ isExhausted: true });
      expect(await capacity.reserve(ask([batch], 0.4))).toMatchObject({ kind: "granted" });
    });
  });
}

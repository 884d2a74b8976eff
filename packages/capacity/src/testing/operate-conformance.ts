import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take } from "./setup.ts";
import { testRequest, testTarget } from "./values.ts";

/** For tests: what every capacity takes over from operators, pauses and prices; `setup` makes an empty one. */
export function operateConformance(setup: () => Promise<CapacityUnderTest>): void {
  const target = testTarget("a");

  describe("operate", () => {
    test.each(["paused", "draining"] as const)(
      "gives a %s target nothing new until it is active again",
      async (state) => {
        const { capacity } = await setup();
        await take(capacity, testRequest(target));
        await capacity.operate([{ targetId: "a", state, changedAt: 1_000 }]);
        expect(await capacity.reserve(testRequest(target))).toMatchObject({
          kind: "denied",
          limit: "target.operated",
        });
        expect((await capacity.signals([target]))["a"]).toMatchObject({ operated: state, inFlight: 1 });
        await capacity.operate([{ targetId: "a", state: "active", changedAt: 2_000 }]);
        await take(capacity, testRequest(target));
        expect((await capacity.signals([target]))["a"]).not.toHaveProperty("operated");
      },
    );

    test("tells the weight that an operator gave, until it is taken back", async () => {
      const { capacity } = await setup();
      const operated = { targetId: "a", state: "active", weight: 0.1 } as const;
      await capacity.operate([{ ...operated, changedAt: 1_000 }]);
      expect((await capacity.signals([target]))["a"]?.weight).toBe(0.1);
      await capacity.operate([{ ...operated, weight: 0, changedAt: 2_000 }]);
      expect((await capacity.signals([target]))["a"]?.weight).toBe(0);
      await capacity.operate([{ targetId: "a", state: "active", changedAt: 3_000 }]);
      expect((await capacity.signals([target]))["a"]).not.toHaveProperty("weight");
    });

    test("keeps what was said last, whatever arrives late", async () => {
      const { capacity } = await setup();
      await capacity.operate([{ targetId: "a", state: "paused", changedAt: 2_000 }]);
      await capacity.operate([{ targetId: "a", state: "active", changedAt: 1_999 }]);
      expect((await capacity.signals([target]))["a"]?.operated).toBe("paused");
    });
  });

  test("a pause says why, as long as it lasts", async () => {
    const { capacity, clock } = await setup();
    await capacity.pause("a", clock.now() + 5_000, "throttled");
    expect((await capacity.signals([target]))["a"]?.pauseReason).toBe("throttled");
    clock.advance(5_000);
    expect((await capacity.signals([target]))["a"]).not.toHaveProperty("pauseReason");
  });

  test("the spend of a target counts from midnight UTC", async () => {
    const { capacity, clock } = await setup();
    const spend = (costUsd: number) => capacity.observe("a", { latencyMs: 5, ok: true, costUsd });
    await spend(0.25);
    await spend(0.5);
    expect((await capacity.signals([target]))["a"]?.spentTodayUsd).toBe(0.75);
    clock.advance(86_400_000);
    expect((await capacity.signals([target]))["a"]).not.toHaveProperty("spentTodayUsd");
    await spend(0.1);
    expect((await capacity.signals([target]))["a"]?.spentTodayUsd).toBe(0.1);
  });
}

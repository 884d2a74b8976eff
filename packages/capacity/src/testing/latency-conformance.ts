import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { testTarget } from "./values.ts";

/** For tests: the latencies that every capacity tells; `setup` makes an empty one. */
export function latencyConformance(setup: () => Promise<CapacityUnderTest>): void {
  const target = testTarget("a");

  describe("the latency of good calls", () => {
    test("is told as percentiles, each within a fifth of the truth", async () => {
      const { capacity } = await setup();
      for (let n = 1; n <= 100; n += 1) await capacity.observe("a", { latencyMs: n * 10, ok: true });
      for (let n = 1; n <= 50; n += 1) await capacity.observe("a", { latencyMs: 60_000, ok: false });
      const signals = (await capacity.signals([target]))["a"];
      expect(signals?.latencyP50Ms).toBeGreaterThan(420);
      expect(signals?.latencyP50Ms).toBeLessThan(600);
      expect(signals?.latencyP95Ms).toBeGreaterThan(800);
      expect(signals?.latencyP95Ms).toBeLessThan(1_150);
    });

    test("is forgotten after two minutes", async () => {
      const { capacity, clock } = await setup();
      await capacity.observe("a", { latencyMs: 10_000, ok: true });
      clock.advance(60_000);
      await capacity.observe("a", { latencyMs: 100, ok: true });
      expect((await capacity.signals([target]))["a"]?.latencyP95Ms).toBeGreaterThan(8_000);
      clock.advance(60_000);
      expect((await capacity.signals([target]))["a"]?.latencyP95Ms).toBeLessThan(120);
      await capacity.observe("a", { latencyMs: 100, ok: true });
      clock.advance(180_000);
      expect((await capacity.signals([target]))["a"]).not.toHaveProperty("latencyP95Ms");
    });
  });

  test("the time to the first part of streamed answers is told beside it", async () => {
    const { capacity, clock } = await setup();
    await capacity.observe("a", { latencyMs: 5_000, ok: true });
    expect((await capacity.signals([target]))["a"]).not.toHaveProperty("firstTokenP50Ms");
    for (let n = 1; n <= 10; n += 1)
      await capacity.observe("a", { latencyMs: 5_000, firstTokenMs: n * 100, ok: true });
    await capacity.observe("a", { latencyMs: 5_000, firstTokenMs: 60_000, ok: false });
    const signals = (await capacity.signals([target]))["a"];
    expect(signals?.firstTokenP50Ms).toBeGreaterThan(410);
    expect(signals?.firstTokenP50Ms).toBeLessThan(600);
    expect(signals?.firstTokenP95Ms).toBeGreaterThan(800);
    expect(signals?.firstTokenP95Ms).toBeLessThan(1_200);
    expect(signals?.latencyP50Ms).toBeGreaterThan(4_000);
    clock.advance(180_000);
    expect((await capacity.signals([target]))["a"]).not.toHaveProperty("firstTokenP50Ms");
  });

  test("the speed of a target is its output tokens over the time of its calls", async () => {
    const { capacity } = await setup();
    expect((await capacity.signals([target]))["a"]).not.toHaveProperty("tokensPerSecond");
    await capacity.observe("a", { latencyMs: 1_000, ok: true, outputTokens: 100 });
    await capacity.observe("a", { latencyMs: 3_000, ok: true, outputTokens: 60 });
    await capacity.observe("a", { latencyMs: 9_000, ok: false });
    expect((await capacity.signals([target]))["a"]?.tokensPerSecond).toBeCloseTo(40);
  });
}

import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take } from "./setup.ts";
import { simulateTarget, type TargetModel } from "./simulated-target.ts";
import { testRequest, testTarget } from "./values.ts";

/** For tests: how every capacity learns how many calls at once a target takes; `setup` makes an empty one. */
export function learnedConformance(setup: () => Promise<CapacityUnderTest>): void {
  async function start(limits = {}) {
    const { capacity, clock } = await setup();
    const target = testTarget("a", limits);
    const learned = async () => (await capacity.signals([target]))["a"]?.learnedConcurrency;
    const run = (model: TargetModel, forMs: number) =>
      simulateTarget({ capacity, clock }, target, model, forMs);
    return { capacity, clock, target, learned, run };
  }
  const steady: TargetModel = { latencyMs: () => 1_000 };

  describe("where no concurrency is stated", () => {
    test("a few calls at once are let through at first, and the refusal says that it is learned", async () => {
      const { capacity, target, learned } = await start();
      for (let n = 0; n < 8; n += 1) await take(capacity, testRequest(target));
      expect(await capacity.reserve(testRequest(target))).toMatchObject({
        kind: "denied",
        limit: "target.learned_concurrency",
      });
      expect(await learned()).toBe(8);
      expect(await capacity.signals([target])).toMatchObject({ a: { concurrencyUsed: 1 } });
    });

    test("many are where a rate holds back", async () => {
      const { learned, capacity, target } = await start({ requestsPerMinute: 1_000 });
      await take(capacity, testRequest(target));
      expect(await learned()).toBe(64);
    });

    test("more are let through while latency stays as it was", async () => {
      const { run, learned } = await start();
      await run(steady, 8_000);
      expect(await learned()).toBeGreaterThanOrEqual(40);
    });

    test("but no more while nobody needs them", async () => {
      const { capacity, clock, target, learned } = await start();
      for (let n = 0; n < 50; n += 1) {
        const reservation = await take(capacity, testRequest(target));
        clock.advance(1_000);
        await capacity.observe("a", { latencyMs: 1_000, ok: true, outputTokens: 10, reservation });
        await capacity.release(reservation);
      }
      expect(await learned()).toBe(8);
    });

    test("a burst of 429s takes it down once, and success up again", async () => {
      const { capacity, clock, target, learned, run } = await start();
      await run(steady, 5_000);
      const before = (await learned()) ?? 0;
      const calls = [];
      for (let n = 0; n < before; n += 1) calls.push(await take(capacity, testRequest(target)));
      clock.advance(50);
      for (const reservation of calls)
        await capacity.observe("a", { latencyMs: 50, ok: false, isOverloaded: true, reservation });
      const after = (await learned()) ?? 0;
      expect(after).toBeGreaterThanOrEqual(Math.floor(0.69 * before));
      expect(after).toBeLessThanOrEqual(Math.ceil(0.71 * before));
      for (const reservation of calls) await capacity.release(reservation);
      await run(steady, 30_000);
      const meanwhile = (await learned()) ?? 0;
      expect(meanwhile).toBeGreaterThan(after);
      expect(meanwhile).toBeLessThan(before);
      await run(steady, 60_000);
      expect(await learned()).toBeGreaterThan(before);
    });

    test("a call that hangs does not keep others away, however often the target has refused", async () => {
      const { capacity, clock, target, learned } = await start();
      await take(capacity, testRequest(target, { leaseMs: 600_000 }));
      for (let fall = 0; fall < 8; fall += 1) {
        const reservation = await take(capacity, testRequest(target));
        const calls = [reservation];
        for (let n = 2; n < ((await learned()) ?? 8); n += 1)
          calls.push(await take(capacity, testRequest(target)));
        clock.advance(50);
        await capacity.observe("a", { latencyMs: 50, ok: false, isOverloaded: true, reservation });
        for (const each of calls) await capacity.release(each);
      }
      expect(await learned()).toBe(2);
      await take(capacity, testRequest(target));
    });

    test("a few 429s while hardly any call is under way change nothing", async () => {
      const { capacity, learned, target } = await start();
      await take(capacity, testRequest(target));
      await capacity.observe("a", { latencyMs: 50, ok: false, isOverloaded: true });
      expect(await learned()).toBe(8);
    });

    test("a stated concurrency holds alone", async () => {
      const { capacity, target, learned } = await start({ concurrency: 20 });
      for (let n = 0; n < 20; n += 1) await take(capacity, testRequest(target));
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ limit: "target.concurrency" });
      expect(await learned()).toBeUndefined();
    });

    test("a target with twenty places is kept busy without many calls waiting at it", async () => {
      const { run } = await start();
      const model: TargetModel = { latencyMs: (inFlight) => 1_000 * Math.max(1, inFlight / 20) };
      await run(model, 60_000);
      const { answered, inFlight } = await run(model, 60_000);
      expect(answered).toBeGreaterThanOrEqual(0.97 * 20 * 60);
      expect(inFlight).toBeLessThanOrEqual(3.2 * 20);
    });
  });
}

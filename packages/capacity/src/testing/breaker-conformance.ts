import type { CallSample, Capacity, Reservation } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take, use } from "./setup.ts";
import { testRequest, testTarget, testTurn } from "./values.ts";

/** For tests: the breaker of every capacity; `setup` makes an empty one. */
export function breakerConformance(setup: () => Promise<CapacityUnderTest>): void {
  const target = testTarget("a", { concurrency: 20 });
  const failing: CallSample = { latencyMs: 50, ok: false, health: "failing" };
  const good: CallSample = { latencyMs: 50, ok: true, health: "good" };
  const unreachable: CallSample = { latencyMs: 1, ok: false, health: "unreachable" };

  async function observe(capacity: Capacity, sample: CallSample, times = 1): Promise<void> {
    for (let n = 0; n < times; n += 1) await capacity.observe("a", sample);
  }

  const signalsOf = async (capacity: Capacity) => (await capacity.signals([target]))["a"];

  /** A target whose breaker has opened just now. */
  async function setupOpen() {
    const { capacity, clock } = await setup();
    await observe(capacity, unreachable, 5);
    const urgent = () => testRequest(target, { turn: testTurn(clock.now() + 10_000) });
    const calm = () => testRequest(target, { turn: testTurn(clock.now() + 3_600_000) });
    const probe = async (): Promise<Reservation> => {
      const reservation = await take(capacity, calm());
      await capacity.settle(reservation, use(10, 10));
      return reservation;
    };
    return { capacity, clock, urgent, calm, probe };
  }

  describe("a breaker opens", () => {
    test("when half of ten calls have failed, not when fewer calls or fewer failures are known", async () => {
      const { capacity } = await setup();
      await observe(capacity, failing, 4);
      await observe(capacity, good, 5);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "closed" });
      await observe(capacity, good, 1);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "closed" });
      await observe(capacity, failing, 2);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "open" });
    });

    test("for failures of the last 30 s only", async () => {
      const { capacity, clock } = await setup();
      await observe(capacity, failing, 9);
      clock.advance(30_000);
      await observe(capacity, good);
      await observe(capacity, failing, 8);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "closed" });
      await observe(capacity, failing);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "open" });
    });

    test("after five connection failures in a row, and a good call breaks the row", async () => {
      const { capacity, clock } = await setup();
      await observe(capacity, unreachable, 4);
      await observe(capacity, good);
      await observe(capacity, unreachable, 4);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "closed" });
      await observe(capacity, unreachable);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "open", reopensAt: clock.now() + 5_000 });
      expect(await capacity.reserve(testRequest(target))).toEqual({
        kind: "denied",
        limit: "target.breaker",
        waitMs: 5_000,
      });
    });

    test("after fifteen failures of any kind in a row, however many calls went well before", async () => {
      const { capacity } = await setup();
      await observe(capacity, good, 100);
      await observe(capacity, failing, 14);
      await observe(capacity, good);
      await observe(capacity, failing, 14);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "closed" });
      await observe(capacity, failing);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "open" });
    });

    test("not for refusals of rate, which say nothing of its health", async () => {
      const { capacity } = await setup();
      await observe(capacity, { latencyMs: 5, ok: false }, 50);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "closed" });
    });

    test("when calls are under way and none has ended for 5 s, of a target that is usually fast", async () => {
      const { capacity, clock } = await setup();
      await observe(capacity, { ...good, latencyMs: 300 });
      for (let n = 0; n < 3; n += 1) await take(capacity, testRequest(target));
      clock.advance(5_000);
      await take(capacity, testRequest(target));
      clock.advance(1);
      expect(await capacity.reserve(testRequest(target))).toMatchObject({ limit: "target.breaker" });
    });

    test("when calls are under way and none has ended for five usual latencies of a slow target", async () => {
      const { capacity, clock } = await setup();
      await observe(capacity, { ...good, latencyMs: 4_000 });
      for (let n = 0; n < 3; n += 1) await take(capacity, testRequest(target));
      clock.advance(20_000);
      const last = await take(capacity, testRequest(target));
      clock.advance(1);
      expect(await capacity.reserve(testRequest(target))).toEqual({
        kind: "denied",
        limit: "target.breaker",
        waitMs: 5_000,
      });
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "open" });
      expect(last.probe).toBeUndefined();
    });

    test("not when calls are long but end one after the other, or when only two are long", async () => {
      const { capacity, clock } = await setup();
      await observe(capacity, good);
      const calls = [];
      for (let n = 0; n < 4; n += 1) calls.push(await take(capacity, testRequest(target)));
      for (const call of calls) {
        clock.advance(4_000);
        await capacity.settle(call, use(1, 1));
        await capacity.observe("a", { ...good, reservation: call });
        await capacity.release(await take(capacity, testRequest(target)));
      }
      await take(capacity, testRequest(target));
      await take(capacity, testRequest(target));
      clock.advance(25_000);
      await take(capacity, testRequest(target));
    });

    test("for as long as the upstream asks, up to a minute", async () => {
      const { capacity, clock } = await setup();
      await observe(capacity, { ...failing, retryAfterMs: 30_000 }, 10);
      expect(await signalsOf(capacity)).toMatchObject({ reopensAt: clock.now() + 30_000 });
    });

    test("longer each time its probe fails: 5 s, 10 s, … up to 60 s", async () => {
      const { capacity, clock, probe } = await setupOpen();
      const lengths: number[] = [];
      for (let n = 0; n < 6; n += 1) {
        const length = ((await signalsOf(capacity))?.reopensAt ?? 0) - clock.now();
        lengths.push(length);
        clock.advance(length);
        await capacity.observe("a", { ...unreachable, reservation: await probe() });
      }
      expect(lengths).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    });
  });

  describe("a half-open breaker", () => {
    test("lets one call through at a time, of a job that has time", async () => {
      const { capacity, clock, urgent, calm } = await setupOpen();
      clock.advance(5_000);
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "half-open" });
      expect(await capacity.reserve(urgent())).toEqual({
        kind: "denied",
        limit: "target.breaker",
        waitMs: 1_000,
      });
      expect((await take(capacity, calm())).probe).toBeDefined();
      expect(await capacity.reserve(calm())).toMatchObject({ kind: "denied", limit: "target.breaker" });
      clock.advance(2_000);
      expect(await capacity.reserve(urgent())).toMatchObject({ kind: "denied", limit: "target.breaker" });
    });

    test("takes an urgent job when no other has come for a second", async () => {
      const { capacity, clock, urgent } = await setupOpen();
      clock.advance(5_000);
      await capacity.reserve(urgent());
      clock.advance(999);
      expect(await capacity.reserve(urgent())).toMatchObject({ kind: "denied", waitMs: 1 });
      clock.advance(1);
      expect((await take(capacity, urgent())).probe).toBeDefined();
    });

    test("tries another job when the probe was not sent, was stopped, or never says how it went", async () => {
      const { capacity, clock, calm } = await setupOpen();
      clock.advance(5_000);
      await capacity.release(await take(capacity, calm()));
      const stopped = await take(capacity, calm());
      await capacity.observe("a", { latencyMs: 5, reservation: stopped });
      await take(capacity, calm());
      clock.advance(15_000);
      expect((await take(capacity, calm())).probe).toBeDefined();
    });

    test("learns nothing from calls that were under way when it opened", async () => {
      const { capacity, clock } = await setup();
      const before = await take(capacity, testRequest(target));
      await observe(capacity, unreachable, 5);
      clock.advance(5_000);
      await capacity.observe("a", { ...good, reservation: before });
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "half-open" });
    });

    test("closes when the probe goes well, and lets calls back slowly: 10 % at first, all after 30 s", async () => {
      const { capacity, clock, probe } = await setupOpen();
      clock.advance(5_000);
      await capacity.observe("a", { ...good, reservation: await probe() });
      expect(await signalsOf(capacity)).toMatchObject({ breaker: "closed" });
      const places = async (): Promise<number> => {
        const granted: Reservation[] = [];
        for (;;) {
          const answer = await capacity.reserve(testRequest(target));
          if (answer.kind === "denied") break;
          granted.push(answer.reservation);
        }
        for (const reservation of granted) await capacity.release(reservation);
        return granted.length;
      };
      expect(await places()).toBe(2);
      clock.advance(15_000);
      expect(await places()).toBe(11);
      clock.advance(15_000);
      expect(await places()).toBe(20);
    });
  });
}

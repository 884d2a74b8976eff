import {
  type Capacity,
  idFromUuid,
  type JobId,
  type ParkedJob,
  type ReserveAnswer,
  type ReserveRequest,
  type Target,
  tenantId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { sampleTarget } from "./samples.ts";

/** A capacity whose clock moves only when told, with the jobs that it has woken. */
export interface WaitingUnderTest {
  readonly capacity: Capacity;
  readonly clock: { now(): number; advance(ms: number): void };
  readonly woken: ParkedJob[];
}

/** The job with this number; those of higher numbers are younger. */
export function jobNumber(n: number): JobId {
  return idFromUuid("job", `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`);
}

/** Within the window of the clock's beginning: jobs of later deadlines would be paced. */
const deadline = 1_700_000_000_000;

/** A request of 10 + 10 tokens by job `n` of lane `auto`, the more urgent the smaller `n`. */
export function requestOf(n: number, target: Target, changes: Partial<ReserveRequest> = {}): ReserveRequest {
  const tenant = changes.tenant ?? { id: tenantId("t1"), limits: {} };
  const effectiveDeadlineAt = deadline + n * 1_000;
  const turn = { jobId: jobNumber(n), model: "auto", effectiveDeadlineAt, tenantId: tenant.id, weight: 1 };
  const amounts = { inputTokens: 10, outputTokens: 10, costUsd: 0, leaseMs: 3_600_000 };
  return { target, tenant, owner: "w1", turn, ...amounts, ...changes };
}

const used = { inputTokens: 10, outputTokens: 10, costUsd: 0, sentAfterMs: 0 };

function start({ capacity, clock, woken }: WaitingUnderTest) {
  async function granted(request: ReserveRequest) {
    const answer = await capacity.reserve(request);
    if (answer.kind === "denied") throw new Error(`denied by ${answer.limit}`);
    return answer.reservation;
  }
  /** Asks all targets in turn and parks; the wait in ms. */
  async function park(n: number, targets: readonly Target[], changes: Partial<ReserveRequest> = {}) {
    const requests = targets.map((target) => requestOf(n, target, changes));
    const refusals = [];
    for (const request of requests) {
      const answer = await capacity.reserve(request);
      if (answer.kind === "granted") throw new Error("granted");
      refusals.push({ request, limit: answer.limit, waitMs: answer.waitMs });
    }
    const [first] = requests;
    if (first?.turn === undefined) throw new Error("no target");
    const answer = await capacity.park(first.turn, refusals);
    return answer.kind === "parked" ? answer.waitMs : answer.kind;
  }
  /** The numbers of the jobs woken since the last time. */
  function takeWoken(): number[] {
    return woken.splice(0).map(({ jobId }) => Number(jobId.slice(-12)));
  }
  return { capacity, clock, granted, park, takeWoken };
}

function limitOf(answer: ReserveAnswer): string {
  return answer.kind === "denied" ? answer.limit : "none";
}

/** What every capacity must do with jobs that wait for room; `create` makes an empty one. */
export function waitingConformance(name: string, create: () => Promise<WaitingUnderTest>): void {
  const setup = async () => start(await create());
  const one = sampleTarget("one", { limits: { concurrency: 1 } });

  describe(`${name} wakes`, () => {
    test("a parked job when a call ends", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const first = await granted(requestOf(1, one));
      await park(2, [one]);
      expect(takeWoken()).toEqual([]);
      await capacity.settle(first, used);
      expect(takeWoken()).toEqual([2]);
    });

    test("a parked job when a call is not made after all, with its lane", async () => {
      const { woken, ...rest } = await create();
      const { capacity, granted, park } = start({ ...rest, woken });
      const first = await granted(requestOf(1, one));
      await park(2, [one]);
      await capacity.release(first);
      expect(woken).toEqual([{ jobId: jobNumber(2), model: "auto" }]);
    });

    test("only as many as have room, the most urgent first, whenever they were parked", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const target = sampleTarget("two", { limits: { concurrency: 2 } });
      const [first, second] = [await granted(requestOf(1, target)), await granted(requestOf(2, target))];
      for (const n of [7, 4, 6, 3, 5]) await park(n, [target]);
      await capacity.settle(first, used);
      expect(takeWoken()).toEqual([3]);
      await capacity.settle(second, used);
      expect(takeWoken()).toEqual([4]);
    });

    test("nobody while an earlier one that was woken has the room to come", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const target = sampleTarget("two", { limits: { concurrency: 2 } });
      const [first, second] = [await granted(requestOf(1, target)), await granted(requestOf(2, target))];
      await park(3, [target]);
      await park(4, [target]);
      await capacity.release(first);
      await capacity.release(second);
      expect(takeWoken()).toEqual([3, 4]);
      const third = await granted(requestOf(3, target));
      await capacity.release(third);
      expect(takeWoken()).toEqual([]);
    });

    test("the next when the one that was woken will not come", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const first = await granted(requestOf(1, one));
      await park(2, [one]);
      await park(3, [one]);
      await capacity.settle(first, used);
      expect(takeWoken()).toEqual([2]);
      await capacity.leave({ jobId: jobNumber(2), model: "auto" });
      expect(takeWoken()).toEqual([3]);
      await capacity.leave({ jobId: jobNumber(2), model: "auto" });
      expect(takeWoken()).toEqual([]);
    });

    test("who waits behind when a call turns out smaller than expected", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const target = sampleTarget("tokens", { limits: { tokensPerMinute: 100 } });
      const large = await granted(requestOf(1, target, { outputTokens: 80 }));
      await park(2, [target]);
      await capacity.settle(large, { ...used, outputTokens: 60 });
      expect(takeWoken()).toEqual([2]);
    });

    test("who waits for a failing target when its probe goes well, as many as slow start lets through", async () => {
      const { capacity, clock, granted, park, takeWoken } = await setup();
      const target = sampleTarget("failing", { limits: { concurrency: 10 } });
      for (let n = 0; n < 5; n += 1)
        await capacity.observe(target.id, { latencyMs: 1, ok: false, health: "unreachable" });
      const waits = [await park(2, [target]), await park(3, [target])];
      expect(waits[0]).toBe(5_000);
      clock.advance(5_000);
      const reservation = await granted(requestOf(9, target, { turn: undefined }));
      await capacity.settle(reservation, used);
      expect(takeWoken()).toEqual([]);
      await capacity.observe(target.id, { latencyMs: 1, ok: true, health: "good", reservation });
      expect(takeWoken()).toEqual([2]);
    });

    test("who waits where no concurrency is stated, as many as turn out to go well at once", async () => {
      const { capacity, clock, granted, park, takeWoken } = await setup();
      const target = sampleTarget("unlimited", { limits: {} });
      for (let n = 1; n <= 8; n += 1) await granted(requestOf(n, target));
      for (let n = 11; n <= 20; n += 1) await park(n, [target]);
      for (let n = 1; n <= 8; n += 1) {
        clock.advance(150);
        await capacity.observe(target.id, { latencyMs: 1_000, ok: true, outputTokens: 10 });
      }
      expect(takeWoken()).toEqual([11, 12, 13, 14]);
    });

    test("again, three times at most, a job that does not come, and then no longer waits for it", async () => {
      const { capacity, clock, granted, park, takeWoken } = await setup();
      const first = await granted(requestOf(1, one));
      await park(2, [one]);
      await capacity.settle(first, used);
      const later = requestOf(3, one);
      for (let round = 0; round < 3; round += 1) {
        expect(takeWoken()).toEqual([2]);
        expect(limitOf(await capacity.reserve(later))).toBe("target.turn");
        expect(takeWoken()).toEqual([]);
        clock.advance(1_000);
        if (round < 2) expect(limitOf(await capacity.reserve(later))).toBe("target.turn");
      }
      expect(await capacity.reserve(later)).toMatchObject({ kind: "granted" });
    });
  });

  describe(`${name} keeps the order`, () => {
    const minute = sampleTarget("minute", { limits: { requestsPerMinute: 1 } });

    test("a less urgent job is refused, and the more urgent woken, when room comes free by time", async () => {
      const { capacity, clock, granted, park, takeWoken } = await setup();
      await capacity.settle(await granted(requestOf(1, minute)), used);
      await park(2, [minute]);
      clock.advance(60_000);
      expect(limitOf(await capacity.reserve(requestOf(3, minute)))).toBe("target.turn");
      expect(takeWoken()).toEqual([2]);
      expect(await capacity.reserve(requestOf(2, minute))).toMatchObject({ kind: "granted" });
    });

    test("a more urgent job goes before those who wait", async () => {
      const { capacity, clock, granted, park } = await setup();
      await capacity.settle(await granted(requestOf(1, minute)), used);
      await park(5, [minute]);
      clock.advance(60_000);
      expect(await capacity.reserve(requestOf(4, minute))).toMatchObject({ kind: "granted" });
    });

    test("of two with one deadline the older goes first", async () => {
      const { capacity, clock, granted, park, takeWoken } = await setup();
      await capacity.settle(await granted(requestOf(1, minute)), used);
      const { turn } = requestOf(2, minute);
      if (turn === undefined) throw new Error("no turn");
      const turnOf = (n: number) => ({ ...turn, jobId: jobNumber(n) });
      await park(2, [minute], { turn: turnOf(2) });
      clock.advance(60_000);
      expect(limitOf(await capacity.reserve(requestOf(3, minute, { turn: turnOf(3) })))).toBe("target.turn");
      expect(takeWoken()).toEqual([2]);
    });

    test("small jobs do not starve a large one that is more urgent", async () => {
      const { capacity, clock, granted, park } = await setup();
      const target = sampleTarget("tokens", { limits: { tokensPerMinute: 100 } });
      await capacity.settle(await granted(requestOf(1, target)), used);
      clock.advance(30_000);
      await capacity.settle(await granted(requestOf(2, target, { outputTokens: 50 })), {
        ...used,
        outputTokens: 50,
      });
      await park(3, [target], { outputTokens: 80 });
      clock.advance(30_000);
      expect(limitOf(await capacity.reserve(requestOf(4, target)))).toBe("target.turn");
    });

    test("a less urgent job has room beside the more urgent one when there is enough for both", async () => {
      const { capacity, clock, granted, park, takeWoken } = await setup();
      const target = sampleTarget("two", { limits: { requestsPerMinute: 2 } });
      for (const n of [1, 2]) await capacity.settle(await granted(requestOf(n, target)), used);
      await park(3, [target]);
      clock.advance(60_000);
      expect(await capacity.reserve(requestOf(4, target))).toMatchObject({ kind: "granted" });
      expect(takeWoken()).toEqual([3]);
      expect(await capacity.reserve(requestOf(3, target))).toMatchObject({ kind: "granted" });
    });

    test("who waits for a tenant's limit holds back that tenant only", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const free = sampleTarget("free", { limits: { requestsPerMinute: 100 } });
      const tenant = { id: tenantId("t1"), limits: { concurrency: 1 } };
      const other = { id: tenantId("t2"), limits: { concurrency: 1 } };
      const first = await granted(requestOf(1, one, { tenant }));
      await park(2, [free], { tenant });
      expect(await capacity.reserve(requestOf(9, free, { tenant: other }))).toMatchObject({
        kind: "granted",
      });
      await capacity.settle(first, used);
      expect(takeWoken()).toEqual([2]);
      expect(limitOf(await capacity.reserve(requestOf(3, free, { tenant })))).toBe("tenant.turn");
    });
  });

  describe(`${name} parks`, () => {
    test("each job for as long as those before it and itself need", async () => {
      const { capacity, clock, granted, park } = await setup();
      const target = sampleTarget("minute", { limits: { requestsPerMinute: 4 } });
      for (const n of [1, 2, 3, 4]) {
        await capacity.settle(await granted(requestOf(n, target)), used);
        clock.advance(10_000);
      }
      const waits = [];
      for (const n of [5, 6, 7]) waits.push(await park(n, [target]));
      expect(waits).toEqual([20_000, 30_000, 40_000]);
    });

    test("nobody when room has come free since the refusal", async () => {
      const { capacity, granted, takeWoken } = await setup();
      const first = await granted(requestOf(1, one));
      const request = requestOf(2, one);
      const refusal = await capacity.reserve(request);
      await capacity.settle(first, used);
      if (refusal.kind === "granted" || request.turn === undefined) throw new Error("granted");
      expect(await capacity.park(request.turn, [{ request, ...refusal }])).toEqual({ kind: "room", request });
      expect(takeWoken()).toEqual([]);
    });

    test("at all targets that refused, and lets go of all when one grants", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const two = sampleTarget("other", { limits: { concurrency: 1 } });
      const [first, second] = [await granted(requestOf(1, one)), await granted(requestOf(2, two))];
      await park(3, [one, two]);
      await capacity.settle(second, used);
      expect(takeWoken()).toEqual([3]);
      await granted(requestOf(3, two));
      await capacity.settle(first, used);
      expect(takeWoken()).toEqual([]);
      expect(await capacity.reserve(requestOf(9, one))).toMatchObject({ kind: "granted" });
    });

    test("nobody at a limit that no call's end lifts: the refusal's own wait counts", async () => {
      const { capacity, granted, park, takeWoken } = await setup();
      const daily = sampleTarget("daily", { limits: { tokensPerDay: 30 } });
      const first = await granted(requestOf(1, daily));
      const wait = await park(2, [daily]);
      expect(wait).toBeGreaterThan(60_000);
      await capacity.settle(first, used);
      expect(takeWoken()).toEqual([]);
    });

    test("until a pause is over, one after the other", async () => {
      const { capacity, clock, park } = await setup();
      await capacity.pause(one.id, clock.now() + 5_000, "throttled");
      const [first, second] = [await park(1, [one]), await park(2, [one])];
      expect(first).toBe(5_000);
      expect(second).toBeGreaterThan(5_000);
    });
  });
}

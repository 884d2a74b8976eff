import { type Reservation, type ReserveRequest, tenantId } from "@sluice/domain";
import { closeRedis, connectRedis, type RedisClient } from "@sluice/redis";
import { array, assert, asyncProperty, constantFrom, double, integer, record } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testRedisUrl } from "../../../test/kit/servers.ts";
import { createCapacity } from "./index.ts";
import { NaiveCapacity } from "./testing/naive-capacity.ts";
import { warmUp } from "./testing/setup.ts";
import { createTestClock, testIds, testRequest, testTarget } from "./testing/values.ts";

let redis: RedisClient;
beforeAll(() => {
  redis = connectRedis({ url: testRedisUrl(), role: "commands", name: "test", onError: () => undefined });
});
afterAll(() => closeRedis(redis));

const targets = [
  testTarget("a", { requestsPerMinute: 8, tokensPerMinute: 1_000, concurrency: 4 }),
  testTarget("b", { requestsPerMinute: 5, tokensPerMinute: 600 }),
] as const;
const tenants = [
  { id: tenantId("t1"), limits: { requestsPerMinute: 9, tokensPerMinute: 1_200, concurrency: 5 } },
  { id: tenantId("t2"), limits: { requestsPerMinute: 30 } },
] as const;

const fields = {
  kind: constantFrom("reserve", "reserve", "reserve", "settle", "settle", "release", "renew"),
  target: constantFrom(...targets),
  tenant: constantFrom(...tenants),
  owner: constantFrom("w1", "w2"),
  input: integer({ min: 0, max: 150 }),
  output: integer({ min: 0, max: 150 }),
  /** Real output over the expected one. */
  overrun: constantFrom(0.5, 1, 1, 3),
  waitMs: constantFrom(0, 1, 100, 700, 3_000, 12_000, 31_000),
  choice: integer({ min: 0, max: 1_000 }),
  /** Where between reservation and settling it was sent. */
  sent: double({ min: 0, max: 1, noNaN: true }),
};
const steps = array(record(fields), { minLength: 10, maxLength: 60 });
/** Close together, so that windows are full all the time. */
const crowdedSteps = array(record({ ...fields, waitMs: constantFrom(0, 50, 700, 2_000, 8_000, 30_000) }), {
  minLength: 60,
  maxLength: 120,
});

interface Open {
  readonly reservation: Reservation;
  readonly request: ReserveRequest;
  readonly reservedAt: number;
}

async function setup() {
  await redis.flushall();
  const clock = createTestClock();
  const capacity = createCapacity({ redis, clock, ids: testIds, timeSource: () => clock.now() });
  await warmUp(capacity);
  const open: Open[] = [];
  const take = (choice: number): Open | undefined => open.splice(choice % Math.max(1, open.length), 1)[0];
  return { clock, capacity, open, take };
}

test("grants, waits and counts exactly as sums over a plain list say, in any interleaving", async () => {
  await assert(
    asyncProperty(steps, async (all) => {
      const { clock, capacity, open, take } = await setup();
      const naive = new NaiveCapacity();
      for (const { kind, target, tenant, owner, input, output, overrun, waitMs, choice, sent } of all) {
        clock.advance(waitMs);
        const now = clock.now();
        if (kind === "renew") {
          await capacity.renew(owner, 30_000);
          naive.renew(owner, 30_000, now);
        } else if (kind === "reserve") {
          const request = testRequest(target, { tenant, owner, inputTokens: input, outputTokens: output });
          const answer = await capacity.reserve(request);
          naive.sweep(now);
          // Calls in flight for a minute without an ending open the breaker, of which the plain list knows nothing.
          if (answer.kind === "denied" && /^target\.(breaker|slow_start)$/.test(answer.limit)) continue;
          expect(answer.kind).toBe(naive.fits(request, now) ? "granted" : "denied");
          if (answer.kind === "granted") {
            naive.grant(answer.reservation.id, request, now);
            open.push({ reservation: answer.reservation, request, reservedAt: now });
          } else if (!naive.inFlight(request, now)) {
            // Nothing can change but by time: then the wait is exact to the millisecond.
            expect(naive.fits(request, now + answer.waitMs)).toBe(true);
            expect(naive.fits(request, now + answer.waitMs - 1)).toBe(false);
          }
        } else {
          const chosen = take(choice);
          if (chosen === undefined) continue;
          const { reservation, request, reservedAt } = chosen;
          if (kind === "release") {
            await capacity.release(reservation);
            naive.release(reservation.id);
          } else {
            const real = Math.ceil(request.outputTokens * overrun);
            const sentAfterMs = Math.floor((now - reservedAt) * sent);
            await capacity.settle(reservation, {
              inputTokens: request.inputTokens,
              outputTokens: real,
              costUsd: 0,
              sentAfterMs,
            });
            naive.settle(reservation.id, real, sentAfterMs, now);
          }
        }
      }
      const signals = await capacity.signals(targets);
      for (const { id, limits } of targets) {
        const used = naive.used(`target ${id}`, clock.now());
        expect(signals[id]).toMatchObject({
          inFlight: used.concurrency,
          requestsUsed: Math.min(1, used.requests / (limits.requestsPerMinute ?? 1)),
          tokensUsed: Math.min(1, used.tokens / (limits.tokensPerMinute ?? 1)),
        });
      }
    }),
    { numRuns: 150 },
  );
});

interface Arrival {
  readonly target: string;
  readonly at: number;
  readonly tokens: number;
}

/** The most that any 60 s of arrivals at a target hold. */
function peaks(arrivals: readonly Arrival[], target: string): { requests: number; tokens: number } {
  const own = arrivals.filter((arrival) => arrival.target === target);
  const most = { requests: 0, tokens: 0 };
  for (const { at: end } of own) {
    const window = own.filter(({ at }) => at > end - 60_000 && at <= end);
    most.requests = Math.max(most.requests, window.length);
    most.tokens = Math.max(
      most.tokens,
      window.reduce((sum, { tokens }) => sum + tokens, 0),
    );
  }
  return most;
}

test("an upstream with strict windows never sees more than its limits, and nothing leaks, when workers die at any moment", async () => {
  await assert(
    asyncProperty(crowdedSteps, async (all) => {
      const { clock, capacity, open, take } = await setup();
      const arrivals: Arrival[] = [];
      const arrive = ({ request, reservedAt }: Open, latestAt: number, share: number) => {
        const at = reservedAt + Math.floor(Math.max(0, latestAt - reservedAt) * share);
        arrivals.push({ target: request.target.id, at, tokens: request.inputTokens + request.outputTokens });
      };
      for (const { kind, target, tenant, owner, input, output, waitMs, choice, sent } of all) {
        clock.advance(waitMs);
        const now = clock.now();
        if (kind === "reserve") {
          const request = testRequest(target, { tenant, owner, inputTokens: input, outputTokens: output });
          let answer = await capacity.reserve(request);
          if (answer.kind === "denied") {
            // Comes back at the very first moment, where a window that slides too early would show.
            clock.advance(answer.waitMs);
            answer = await capacity.reserve(request);
          }
          if (answer.kind === "granted")
            open.push({ reservation: answer.reservation, request, reservedAt: clock.now() });
        } else if (kind === "settle") {
          const chosen = take(choice);
          // A worker aborts its calls before its lease ends, so whatever is older was never settled.
          if (chosen === undefined || now - chosen.reservedAt >= 30_000) {
            if (chosen !== undefined) arrive(chosen, chosen.reservedAt + 30_750, sent);
            continue;
          }
          const sentAfterMs = Math.floor((now - chosen.reservedAt) * sent);
          const { inputTokens, outputTokens } = chosen.request;
          await capacity.settle(chosen.reservation, { inputTokens, outputTokens, costUsd: 0, sentAfterMs });
          const latestAt = Math.min(now, chosen.reservedAt + sentAfterMs + 750);
          arrive(chosen, latestAt, 1);
        } else if (kind === "release") {
          const chosen = take(choice);
          if (chosen !== undefined) await capacity.release(chosen.reservation);
        }
      }
      // The rest dies with its worker, having been sent at some moment of its lease.
      for (const [i, left] of open.entries()) arrive(left, left.reservedAt + 30_750, (i % 4) / 3);
      for (const { id, limits } of targets) {
        const most = peaks(arrivals, id);
        expect(most.requests).toBeLessThanOrEqual(limits.requestsPerMinute ?? 0);
        expect(most.tokens).toBeLessThanOrEqual(limits.tokensPerMinute ?? 0);
      }
      clock.advance(600_000);
      const signals = await capacity.signals(targets);
      for (const { id } of targets)
        expect(signals[id]).toMatchObject({ inFlight: 0, requestsUsed: 0, tokensUsed: 0 });
      const keys = await redis.keys("*");
      expect(keys.filter((key) => /target-log|held|owners/.test(key))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

import {
  type Capacity,
  type Reservation,
  type ReserveAnswer,
  type ReserveRequest,
  tenantId,
} from "@sluice/domain";
import { closeRedis, connectRedis, type RedisClient } from "@sluice/redis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testRedisUrl } from "../../../test/kit/servers.ts";
import { createCapacity } from "./index.ts";
import { createTestClock, testIds, testRequest, testTarget } from "./testing.ts";

let redis: RedisClient;
const clients: RedisClient[] = [];

function connect(): RedisClient {
  const client = connectRedis({
    url: testRedisUrl(),
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  clients.push(client);
  return client;
}

beforeEach(async () => {
  redis = connect();
  await redis.flushall();
});

afterEach(async () => {
  for (const client of clients.splice(0)) await closeRedis(client);
});

function setup() {
  const clock = createTestClock();
  const capacity = createCapacity({ redis, clock, ids: testIds, timeSource: () => clock.now() });
  return { clock, capacity };
}

function granted(answer: ReserveAnswer): Reservation {
  if (answer.kind === "denied") throw new Error(`denied by ${answer.limit} for ${answer.waitMs} ms`);
  return answer.reservation;
}

const take = async (capacity: Capacity, request: ReserveRequest) => granted(await capacity.reserve(request));
const use = (inputTokens: number, outputTokens: number | undefined, sentAfterMs = 0) => ({
  inputTokens,
  outputTokens,
  costUsd: 0,
  sentAfterMs,
});

describe("reserve", () => {
  test("grants up to the limit of requests, and again when the oldest has left the window", async () => {
    const { capacity, clock } = setup();
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
    const { capacity } = setup();
    const target = testTarget("a", limits);
    for (let n = 0; n < times; n += 1) await take(capacity, testRequest(target));
    expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied", limit });
  });

  test.each([
    ["tenant.requests_per_minute", { requestsPerMinute: 2 }],
    ["tenant.tokens_per_minute", { tokensPerMinute: 40 }],
    ["tenant.concurrency", { concurrency: 2 }],
  ])("keeps %s over all targets, for that tenant only", async (limit, limits) => {
    const { capacity } = setup();
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
    const { capacity } = setup();
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
    const { capacity } = setup();
    const target = testTarget("a", { requestsPerMinute: 1, concurrency: 1 });
    await capacity.settle(await take(capacity, testRequest(target)), use(10, 10));
    const tenant = { id: tenantId("t1"), limits: { concurrency: 1 } };
    await take(capacity, testRequest(testTarget("b"), { tenant }));
    const answer = await capacity.reserve(testRequest(target, { tenant }));
    expect(answer).toEqual({ kind: "denied", limit: "target.requests_per_minute", waitMs: 60_000 });
  });

  test("lets a call that is larger than the whole limit take an empty window", async () => {
    const { capacity, clock } = setup();
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

describe("settle", () => {
  test("counts what was really taken: less makes room at once, more is debt", async () => {
    const { capacity } = setup();
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
    const { capacity } = setup();
    const target = testTarget("a", { tokensPerMinute: 100 });
    await capacity.settle(
      await take(capacity, testRequest(target, { outputTokens: 40 })),
      use(10, undefined),
    );
    expect(await capacity.signals([target])).toMatchObject({ a: { tokensUsed: 0.5 } });
  });

  test("lets an entry age from when it was sent, and a little later", async () => {
    const { capacity, clock } = setup();
    const target = testTarget("a", { requestsPerMinute: 1 });
    const slow = await take(capacity, testRequest(target));
    clock.advance(20_000);
    await capacity.settle(slow, use(10, 10, 5_000));
    // Sent 15 s ago, counted by the upstream at most 750 ms later.
    expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied", waitMs: 45_750 });
  });

  test("counts a call for as long as it is in flight", async () => {
    const { capacity, clock } = setup();
    const target = testTarget("a", { requestsPerMinute: 1 });
    await take(capacity, testRequest(target, { leaseMs: 500_000 }));
    clock.advance(400_000);
    expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied" });
  });

  test("does nothing for a reservation that is not known, or a second time", async () => {
    const { capacity } = setup();
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
    const { capacity } = setup();
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
    const { capacity, clock } = setup();
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
    const { capacity, clock } = setup();
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
    const { capacity, clock } = setup();
    const target = testTarget("a", { concurrency: 10 });
    await take(capacity, testRequest(target));
    clock.advance(30_000);
    await capacity.renew("w1", 30_000);
    expect((await capacity.signals([target]))["a"]?.inFlight).toBe(0);
  });
});

describe("learn", () => {
  const limits = { requestsPerMinute: 100, tokensPerMinute: 10_000 };

  test("takes over that less is left than we think, until the upstream's reset", async () => {
    const { capacity, clock } = setup();
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
    const { capacity } = setup();
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
    const { capacity, clock } = setup();
    const target = testTarget("a", limits);
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
    const { capacity, clock } = setup();
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
    const { capacity, clock } = setup();
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

describe("the state in Redis", () => {
  test("may vanish at any moment: what is then settled or released is harmless", async () => {
    const { capacity } = setup();
    const target = testTarget("a", { concurrency: 2, requestsPerMinute: 2 });
    const first = await take(capacity, testRequest(target));
    const second = await take(capacity, testRequest(target));
    await redis.flushall();
    await capacity.settle(first, use(10, 10));
    await capacity.release(second);
    await capacity.renew("w1", 30_000);
    expect((await capacity.signals([target]))["a"]).toMatchObject({ inFlight: 0, requestsUsed: 0 });
    await take(capacity, testRequest(target));
    await take(capacity, testRequest(target));
    expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied" });
  });

  test("keeps all its keys on one node of a cluster", async () => {
    const { capacity } = setup();
    const tenant = { id: tenantId("t1"), limits: { concurrency: 9 } };
    await capacity.settle(await take(capacity, testRequest(testTarget("a:b"), { tenant })), use(1, 1));
    await take(capacity, testRequest(testTarget("a:b"), { tenant }));
    const keys = await redis.keys("*");
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) expect(key).toMatch(/^\{capacity\}:/);
  });

  test("stays within every limit when eight clients reserve at once, by the server's clock", async () => {
    const target = testTarget("a", { requestsPerMinute: 150, concurrency: 20 });
    const capacities = Array.from({ length: 8 }, () =>
      createCapacity({ redis: connect(), clock: createTestClock(), ids: testIds }),
    );
    let inFlight = 0;
    let most = 0;
    let total = 0;
    const work = async (capacity: Capacity, owner: string) => {
      for (let n = 0; n < 60; n += 1) {
        const answer = await capacity.reserve(testRequest(target, { owner }));
        if (answer.kind === "denied") continue;
        total += 1;
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise<void>((resolve) => setImmediate(resolve));
        inFlight -= 1;
        await capacity.settle(answer.reservation, use(10, 10));
      }
    };
    await Promise.all(
      capacities.flatMap((capacity, i) => [0, 1, 2, 3].map((n) => work(capacity, `w${i}.${n}`))),
    );
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThanOrEqual(150);
    expect(most).toBeLessThanOrEqual(20);
    const signals = await capacities[0]?.signals([target]);
    expect(signals?.["a"]).toMatchObject({ inFlight: 0, requestsUsed: total / 150 });
  });
});

import { type Capacity, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createCapacity } from "./index.ts";
import { connectTestRedis, setup, take, use, warmUp } from "./testing/setup.ts";
import { createTestClock, testIds, testRequest, testTarget } from "./testing/values.ts";

describe("the state in Redis", () => {
  test("may vanish at any moment: what is then settled or released is harmless", async () => {
    const { capacity, redis } = await setup();
    const target = testTarget("a", { concurrency: 2, requestsPerMinute: 2 });
    const first = await take(capacity, testRequest(target));
    const second = await take(capacity, testRequest(target));
    await redis.flushall();
    await capacity.settle(first, use(10, 10));
    await capacity.release(second);
    await capacity.renew("w1", 30_000);
    expect((await capacity.signals([target]))["a"]).toMatchObject({ inFlight: 0, requestsUsed: 0 });
    await warmUp(capacity);
    await take(capacity, testRequest(target));
    await take(capacity, testRequest(target));
    expect(await capacity.reserve(testRequest(target))).toMatchObject({ kind: "denied" });
  });

  test("closes every breaker when it is lost", async () => {
    const { capacity, redis } = await setup();
    const target = testTarget("a");
    const call = { latencyMs: 1, ok: false, health: "unreachable" } as const;
    for (let n = 0; n < 5; n += 1) await capacity.observe("a", call);
    expect(await capacity.signals([target])).toMatchObject({ a: { breaker: "open" } });
    await redis.flushall();
    expect(await capacity.signals([target])).toMatchObject({ a: { breaker: "closed" } });
    await warmUp(capacity);
    await take(capacity, testRequest(target));
  });

  test("holds no hours that no longer count for a daily limit", async () => {
    const { capacity, clock, redis } = await setup();
    const request = testRequest(testTarget("a", { usdPerDay: 100 }), { costUsd: 0.1 });
    for (let hour = 0; hour < 30; hour += 1) {
      await take(capacity, request);
      clock.advance(3_600_000);
    }
    // Tokens and money of the last 24 hours and of the one that runs.
    expect(await redis.hlen("{capacity}:target-day:a")).toBe(50);
  });

  test("forgets budgets a week after their last use", async () => {
    const { capacity, redis } = await setup();
    const budgets = [
      { key: "batch:1", usd: 1, window: "total", spentUsd: 0 },
      { key: "key:1", usd: 1, window: "day", spentUsd: 0 },
      // Never held for a call.
      { key: "batch:2", usd: 0, window: "total", spentUsd: 0 },
    ] as const;
    await take(capacity, testRequest(testTarget("a"), { budgets: budgets.slice(0, 2), costUsd: 0.1 }));
    await capacity.reserve(testRequest(testTarget("a"), { budgets: budgets.slice(2), costUsd: 0.1 }));
    for (const { key } of budgets) {
      const left = await redis.ttl(`{capacity}:budget:${key}`);
      expect(left).toBeGreaterThan(6 * 86_400);
      expect(left).toBeLessThanOrEqual(7 * 86_400);
    }
  });

  test("keeps all its keys on one node of a cluster", async () => {
    const { capacity, redis } = await setup();
    const tenant = { id: tenantId("t1"), limits: { concurrency: 9 } };
    await capacity.settle(await take(capacity, testRequest(testTarget("a:b"), { tenant })), use(1, 1));
    await take(capacity, testRequest(testTarget("a:b"), { tenant }));
    const keys = await redis.keys("*");
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) expect(key).toMatch(/^\{capacity\}:/);
  });

  test("stays within every limit when eight clients reserve at once, by the server's clock", async () => {
    await setup();
    const target = testTarget("a", { requestsPerMinute: 150, concurrency: 20 });
    const capacities = Array.from({ length: 8 }, () =>
      createCapacity({ redis: connectTestRedis(), clock: createTestClock(), ids: testIds }),
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

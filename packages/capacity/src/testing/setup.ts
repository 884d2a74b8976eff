import type {
  Capacity,
  CountedUse,
  RealUse,
  RebuildableCapacity,
  Reservation,
  ReserveRequest,
} from "@sluice/domain";
import { closeRedis, connectRedis, type RedisClient } from "@sluice/redis";
import { onTestFinished } from "vitest";
import { testRedisUrl } from "../../../../test/kit/servers.ts";
import { createCapacity } from "../index.ts";
import { createTestClock, testIds } from "./values.ts";

/** For server tests: a connection that is closed when the test ends. */
export function connectTestRedis(): RedisClient {
  const redis = connectRedis({
    url: testRedisUrl(),
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  onTestFinished(() => closeRedis(redis));
  return redis;
}

/** For tests: ends the cold of a capacity, by nothing that counts unless told otherwise. */
export async function warmUp(capacity: RebuildableCapacity, use: CountedUse = nothingCounts): Promise<void> {
  await capacity.claimRebuild({ token: "test", settleMs: 0, claimMs: 1_000 });
  if (!(await capacity.warm("test", use))) throw new Error("it was not cold");
}

/** For tests: what the ledger knows when nothing was ever called. */
export const nothingCounts: CountedUse = { sent: [], hours: [], running: [], budgets: [] };

/** For server tests: capacity on an emptied Redis, by a clock that moves only when told. */
export async function setup(temperature: "warm" | "cold" = "warm") {
  const redis = connectTestRedis();
  await redis.flushall();
  const clock = createTestClock();
  const capacity = createCapacity({ redis, clock, ids: testIds, timeSource: () => clock.now() });
  if (temperature === "warm") await warmUp(capacity);
  return { redis, clock, capacity };
}

/** For server tests: a reservation that must be granted. */
export async function take(capacity: Capacity, request: ReserveRequest): Promise<Reservation> {
  const answer = await capacity.reserve(request);
  if (answer.kind === "denied") throw new Error(`denied by ${answer.limit} for ${answer.waitMs} ms`);
  return answer.reservation;
}

/** For server tests: a real use that costs nothing. */
export function use(inputTokens: number, outputTokens: number | undefined, sentAfterMs = 0): RealUse {
  return { inputTokens, outputTokens, costUsd: 0, sentAfterMs };
}

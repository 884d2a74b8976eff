import type { RebuildableCapacity, ReserveRequest, WorkerId } from "@sluice/domain";
import { keepCapacityWarm, systemClock } from "@sluice/engine";
import { closeRedis, connectRedis } from "@sluice/redis";
import { expect, onTestFinished, test } from "vitest";
import { createCapacity, repeatLostEnds } from "../../packages/capacity/src/index.ts";
import {
  setup as setupLedger,
  startOf,
  success,
  tenant,
  waiting,
} from "../../packages/ledger/src/testing/setup.ts";
import { createRecordingLogger, type LogEntry } from "../kit/fakes/records.ts";
import { sampleConfig, sampleTarget } from "../kit/samples.ts";
import { testRedisUrl } from "../kit/servers.ts";

const limits = {
  requestsPerMinute: 40,
  tokensPerMinute: 9_000,
  concurrency: 8,
  tokensPerDay: 50_000,
  usdPerDay: 9,
};
const target = sampleTarget("a", { limits });
const tenantLimits = { requestsPerMinute: 90, usdPerDay: 5 };
const config = sampleConfig([target], {
  tenants: { default: { weight: 1, limits: tenantLimits, maxPriority: 9 } },
});
const noUse = { avoidTarget: false, spentAttempt: true };

/** A ledger and a Redis, and workers that keep its capacity warm. */
async function setup() {
  const ledger = await setupLedger();
  const redis = connect();
  await redis.flushall();
  const rebuilt = watchFor("capacity was rebuilt from the ledger");
  /** A worker with a connection of its own. */
  async function startWorker() {
    const id = await ledger.register();
    const bare = createCapacity({ redis: connect(), clock: systemClock, ids: ledger.source });
    const capacity = repeatLostEnds(bare);
    const keep = (): void => {
      const ports = {
        ledger: ledger.ledger,
        capacity,
        clock: systemClock,
        ids: ledger.source,
        config: () => config,
      };
      onTestFinished(keepCapacityWarm({ ...ports, logger: createRecordingLogger(rebuilt.entries) }));
    };
    return { id, capacity, keep };
  }
  /** What counts for the target and for the tenant. */
  async function counted() {
    const sums = (key: string) => redis.hmget(`{capacity}:${key}`, "r", "i", "o", "c");
    return {
      target: await sums("target-use:a"),
      tenant: await sums("tenant-use:default"),
      targetDay: await redis.hgetall("{capacity}:target-day:a"),
      tenantDay: await redis.hgetall("{capacity}:tenant-day:default"),
      budget: await redis.hgetall("{capacity}:budget:key:k"),
    };
  }
  return { ...ledger, redis, rebuilt, startWorker, counted };
}

/** Over the hours, of which a run may see two. */
function sumOf(hours: Record<string, string>, kind: "t" | "m"): number {
  const found = Object.entries(hours).filter(([field]) => field.startsWith(kind));
  return found.reduce((sum, [, amount]) => sum + Number(amount), 0);
}

function connect() {
  const redis = connectRedis({
    url: testRedisUrl(),
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  onTestFinished(() => closeRedis(redis));
  return redis;
}

/** Log entries, and a promise of one with this message. */
function watchFor(message: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const entries: LogEntry[] = [];
  const push = entries.push.bind(entries);
  entries.push = (...added) => {
    if (added.some((entry) => entry.message === message)) resolve();
    return push(...added);
  };
  return {
    entries,
    first: promise,
    count: () => entries.filter((entry) => entry.message === message).length,
  };
}

type Setup = Awaited<ReturnType<typeof setup>>;
type Worker = Awaited<ReturnType<Setup["startWorker"]>>;

function requestOf(owner: string): ReserveRequest {
  return {
    target,
    tenant: { id: tenant, limits: tenantLimits },
    owner,
    inputTokens: 10,
    outputTokens: 100,
    costUsd: 0.02,
    leaseMs: 20_000,
    budgets: [{ key: "key:k", usd: 3, window: "day", spentUsd: 0 }],
  };
}

/** Reserves and starts one call, as a worker does. */
async function startCall(
  s: Setup,
  { id: workerId, capacity }: { id: WorkerId; capacity: RebuildableCapacity },
) {
  const request = requestOf(workerId);
  const answer = await capacity.reserve(request);
  if (answer.kind === "denied") throw new Error(`denied by ${answer.limit}`);
  const { reservation } = answer;
  const job = await s.accepted();
  const reserved = {
    reservationId: reservation.id,
    tenantId: tenant,
    inputTokens: request.inputTokens,
    outputTokens: request.outputTokens,
    usd: request.costUsd,
  };
  const startedAt = Date.now();
  const held = { usd: request.costUsd, keyId: "k" };
  const start = { ...startOf(job, workerId, 0), targetId: "a", startedAt, reserved, held };
  const [started] = await s.ledger.startAttempts([start]);
  if (started?.kind !== "started") throw new Error("not started");
  const running = { job, workerId, epoch: started.epoch };
  return {
    reservation,
    settle: () =>
      capacity.settle(reservation, { inputTokens: 10, outputTokens: 20, costUsd: 0.0125, sentAfterMs: 1 }),
    commit: () =>
      s.ledger.settle([{ ...success(running, s.newIds()), sentAt: startedAt, endedAt: Date.now() }]),
    async fail() {
      await capacity.settle(reservation, {
        inputTokens: 10,
        outputTokens: undefined,
        costUsd: 0,
        sentAfterMs: 1,
      });
      await s.ledger.settle([{ ...waiting(running, noUse), sentAt: startedAt, endedAt: Date.now() }]);
    },
    async abandon() {
      await capacity.release(reservation);
      await s.ledger.settle([{ ...waiting(running, noUse), endedAt: Date.now() }]);
    },
  };
}

/** Reserves until the target refuses; answers how many calls it let through. */
async function fill({ capacity, id }: Worker): Promise<{ granted: number; limit: string }> {
  for (let granted = 0; ; granted += 1) {
    const answer = await capacity.reserve(requestOf(id));
    if (answer.kind === "denied") return { granted, limit: answer.limit };
    await capacity.settle(answer.reservation, { inputTokens: 10, outputTokens: 100, costUsd: 0 });
  }
}

test("after a loss of Redis one of two workers rebuilds what counts, to the last token; calls under way then end as ever", async () => {
  const s = await setup();
  const workers = [await s.startWorker(), await s.startWorker()] as const;
  for (const worker of workers) worker.keep();
  await s.rebuilt.first;
  const [one, two] = workers;
  for (let n = 0; n < 14; n += 1) {
    const call = await startCall(s, n % 2 === 0 ? one : two);
    await call.settle();
    await call.commit();
  }
  await (await startCall(s, one)).fail();
  await (await startCall(s, two)).abandon();
  const underWay = [await startCall(s, one), await startCall(s, two), await startCall(s, two)] as const;
  const before = await s.counted();
  expect(before.target).toEqual(["18", "180", "680", "3"]);

  const lost = watchFor("capacity was rebuilt from the ledger");
  s.rebuilt.entries.push = lost.entries.push;
  await s.redis.flushall();
  expect(await one.capacity.reserve(requestOf(one.id))).toMatchObject({ limit: "target.cold" });
  // It ends while it is cold, and the ledger hears of it late.
  await underWay[0].settle();
  await lost.first;
  expect(await s.counted()).toEqual(before);
  await underWay[0].commit();
  await underWay[1].settle();
  await underWay[1].commit();
  for (const { capacity, id } of workers) await capacity.renew(id, 20_000);
  await underWay[2].abandon();
  for (const { capacity, id } of workers) expect(await capacity.reservationsOf(id)).toEqual([]);
  const after = await s.counted();
  expect(after.target).toEqual(["17", "170", "420", "0"]);
  expect([sumOf(after.targetDay, "t"), sumOf(after.targetDay, "m")]).toEqual([590, 200_000]);
  expect(sumOf(after.budget, "m")).toBe(200_000);
  expect(await fill(one)).toEqual({ granted: 40 - 17, limit: "target.requests_per_minute" });
  expect(lost.count()).toBe(1);
});

test("a rebuild whose process dies on the way is taken over", async () => {
  const s = await setup();
  const worker = await s.startWorker();
  const victim = await s.startWorker();
  const claim = { token: "victim", settleMs: 0, claimMs: 1_500 };
  expect(await victim.capacity.claimRebuild(claim)).toEqual({ kind: "claimed" });
  worker.keep();
  expect(await worker.capacity.reserve(requestOf(worker.id))).toMatchObject({ limit: "target.cold" });
  await s.rebuilt.first;
  expect(await worker.capacity.reserve(requestOf(worker.id))).toMatchObject({ kind: "granted" });
  expect(await victim.capacity.warm("victim", { sent: [], hours: [], running: [], budgets: [] })).toBe(false);
});

import { fork } from "node:child_process";
import { once } from "node:events";
import { laneQueue, queueKeys } from "@sluice/redis";
import { afterEach, expect, test } from "vitest";
import { type OwnRedis, startOwnRedis } from "../../../test/kit/own-redis.ts";
import { type Bench, collect, createBench, done, hashOf, until } from "./test-setup.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function setup(
  options: { readonly appendOnly?: boolean } = {},
): Promise<{ server: OwnRedis; bench: Bench }> {
  const server = await startOwnRedis(options);
  const bench = createBench(server.url);
  cleanUps.push(() => server.close());
  cleanUps.push(() => bench.close());
  return { server, bench };
}

/** A worker process that claims one pointer and never ends it; answers when it has it. */
async function claimInChild(server: OwnRedis, bench: Bench): Promise<() => Promise<void>> {
  const child = fork(new URL("./test-worker.ts", import.meta.url), [server.url, bench.model], {
    stdio: "inherit",
  });
  await once(child, "message");
  return async () => {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
}

test("a killed worker's pointer comes back in its place, not before everything", async () => {
  const { server, bench } = await setup();
  const lanes = bench.lanes();
  const lost = bench.pointer(60);
  await lanes.add([lost]);
  const kill = await claimInChild(server, bench);
  expect(await lanes.unlocked(bench.model)).toEqual([]);
  await kill();
  const [urgent, relaxed] = [bench.pointer(1), bench.pointer(600)];
  await lanes.add([relaxed, urgent]);
  // The lock of a dead worker lapses by itself; until then nobody takes its pointer.
  await lanes.replace([lost]);
  expect(await lanes.depth(bench.model)).toMatchObject({ active: 1 });
  await until(async () => (await lanes.unlocked(bench.model)).length === 1);
  expect(await lanes.unlocked(bench.model)).toEqual([lost.jobId]);
  expect(await lanes.missing(bench.model, [lost.jobId])).toEqual([]);
  await lanes.replace([lost]);
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 3, active: 0, delayed: 0 });
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === 3);
  expect(claimed).toEqual([urgent.jobId, lost.jobId, relaxed.jobId]);
  // BullMQ's own sweep, which would put it before everything, leaves this key.
  expect(await bench.open("commands").keys("*:stalled-check")).toEqual([]);
});

test("FLUSHALL is seen as another generation, and the consumer goes on with what is added after it", async () => {
  const { bench } = await setup();
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const before = await lanes.generation();
  const [first, lost, after] = [bench.pointer(1), bench.pointer(2), bench.pointer(3)];
  const gate = Promise.withResolvers<void>();
  const { claimed, handler } = collect(async ({ jobId }) => {
    if (jobId === first.jobId) await gate.promise;
    return done;
  });
  bench.consume(handler, 2);
  await lanes.add([first]);
  await until(() => claimed.length === 1);
  await redis.flushall();
  gate.resolve();
  await lanes.add([after]);
  await until(() => claimed.includes(after.jobId));
  expect(await lanes.generation()).not.toBe(before);
  expect(await lanes.missing(bench.model, [first.jobId, lost.jobId])).toEqual([first.jobId, lost.jobId]);
  expect(Number(await redis.hget(queueKeys(laneQueue(bench.model)).meta, "opts.maxLenEvents"))).toBeLessThan(
    1_000,
  );
});

test("an idle consumer works again after Redis was killed and came back, longer away than its block", async () => {
  const { server, bench } = await setup({ appendOnly: true });
  const lanes = bench.lanes();
  const { claimed, handler } = collect();
  bench.consume(handler, 2);
  const [before, after] = [bench.pointer(), bench.pointer()];
  await lanes.add([before]);
  await until(() => claimed.length === 1);
  await server.kill9();
  const outageEnds = Date.now() + 7_000;
  await until(() => Date.now() > outageEnds);
  await server.restart();
  await until(async () =>
    lanes.add([after]).then(
      () => true,
      () => false,
    ),
  );
  await until(() => claimed.includes(after.jobId));
});

test("a pointer that was claimed when Redis was killed ends after it came back", async () => {
  const { server, bench } = await setup({ appendOnly: true });
  const lanes = bench.lanes();
  const redis = bench.open("worker");
  const pointer = bench.pointer();
  const gate = Promise.withResolvers<void>();
  const { claimed, handler } = collect(async () => {
    await gate.promise;
    return { kind: "done", reference: "kept" };
  });
  bench.consume(handler);
  await lanes.add([pointer]);
  await until(() => claimed.length === 1);
  await server.kill9();
  gate.resolve();
  await server.restart();
  await until(async () => "returnvalue" in (await hashOf(redis, bench.model, pointer.jobId)));
  expect(claimed).toHaveLength(1);
});

test("adding fails at once while Redis is away, also for a lane that was never used", async () => {
  const { server, bench } = await setup();
  const lanes = bench.lanes();
  await lanes.generation();
  await server.kill9();
  await expect(lanes.add([bench.pointer()])).rejects.toThrow();
  await expect(lanes.depth(bench.model)).rejects.toThrow();
});

test("while Redis is out of memory the consumer asks seldom, and goes on when there is room", async () => {
  const { bench } = await setup();
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  await lanes.add([bench.pointer(), bench.pointer()]);
  await redis.config("SET", "maxmemory", "1");
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(async () => (await refusals(bench)) >= 3);
  const probeEnds = Date.now() + 3_000;
  await until(() => Date.now() > probeEnds);
  const refused = await refusals(bench);
  await redis.config("SET", "maxmemory", "0");
  await until(() => claimed.length === 2);
  expect(refused).toBeLessThan(20);
  expect(bench.errors.filter((error) => error.message.includes("OOM")).length).toBeLessThanOrEqual(2);
});

async function refusals(bench: Bench): Promise<number> {
  const info = await bench.open("commands").info("errorstats");
  return Number(/errorstat_OOM:count=(\d+)/.exec(info)?.[1] ?? 0);
}

test("the shutdown of a consumer does not wait for a Redis that is gone", async () => {
  const { server, bench } = await setup();
  const lanes = bench.lanes();
  const { claimed, handler } = collect(() => new Promise(() => undefined));
  const consumer = bench.consume(handler);
  await lanes.add([bench.pointer()]);
  await until(() => claimed.length === 1);
  await server.kill9();
  await consumer.close({ graceMs: 10 });
  await server.restart();
});

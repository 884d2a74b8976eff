import { laneQueue, queueKeys, type RedisClient } from "@sluice/redis";
import { afterEach, expect, test } from "vitest";
import { testRedisUrl } from "../../../test/kit/servers.ts";
import { collect, createBench, done, hashOf, until } from "./test-setup.ts";

let bench = createBench(testRedisUrl());
afterEach(async () => {
  await bench.close();
  bench = createBench(testRedisUrl());
});

/** Every byte that Redis holds of the lane. */
async function dumpLane(redis: RedisClient): Promise<string> {
  const base = queueKeys(laneQueue(bench.model)).jobPrefix;
  const parts = [JSON.stringify(await redis.xrange(`${base}events`, "-", "+"))];
  for (const key of await redis.keys(`${base.replaceAll(/[{}]/g, "?")}*`)) {
    if ((await redis.type(key)) === "hash") parts.push(JSON.stringify(await redis.hgetall(key)));
  }
  return parts.join("\n");
}

test("an ended pointer keeps its reference and nothing else, in its hash and in the events", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  const { handler } = collect(() => ({ kind: "done", reference: "epoch:3" }));
  bench.consume(handler);
  await until(async () => "finishedOn" in (await hashOf(redis, bench.model, pointer.jobId)));
  const hash = await hashOf(redis, bench.model, pointer.jobId);
  expect({ data: hash["data"], returnvalue: hash["returnvalue"] }).toEqual({
    data: '{"v":1}',
    returnvalue: '{"reference":"epoch:3"}',
  });
  expect(await dumpLane(redis)).toContain('\\"reference\\":\\"epoch:3\\"');
});

test("a failed pointer is shown as failed, with its code and no stack", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  const { claimed, handler } = collect(() => ({ kind: "failed", code: "attempts_exhausted" }));
  bench.consume(handler);
  await until(async () => "finishedOn" in (await hashOf(redis, bench.model, pointer.jobId)));
  const hash = await hashOf(redis, bench.model, pointer.jobId);
  expect(hash["failedReason"]).toBe("attempts_exhausted");
  expect(hash["stacktrace"] ?? "[]").not.toContain(".ts");
  expect(claimed).toHaveLength(1);
});

test("later brings a pointer back with its priority and without a spent attempt", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const [urgent, relaxed] = [bench.pointer(1), bench.pointer(1000)];
  await lanes.add([urgent]);
  const { priority } = await hashOf(redis, bench.model, urgent.jobId);
  let dueAt = 0;
  const { claimed, handler } = collect(({ jobId }) => {
    if (jobId !== urgent.jobId || dueAt > 0) return done;
    dueAt = Date.now() + 300;
    return { kind: "later", at: dueAt };
  });
  const consumer = bench.consume(handler);
  await until(async () => (await lanes.depth(bench.model)).delayed === 1);
  consumer.pause();
  await lanes.add([relaxed]);
  await until(() => Date.now() > dueAt);
  consumer.resume();
  await until(() => claimed.length === 3);
  expect(claimed).toEqual([urgent.jobId, urgent.jobId, relaxed.jobId]);
  await until(async () => "finishedOn" in (await hashOf(redis, bench.model, urgent.jobId)));
  expect(await hashOf(redis, bench.model, urgent.jobId)).toMatchObject({ priority, atm: "1" });
});

test("a handler that throws is a bug of ours: reported, and the pointer comes again", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  let rounds = 0;
  bench.consume(async () => {
    rounds += 1;
    if (rounds === 1) throw new Error("the database is gone");
    return done;
  });
  await until(async () => "finishedOn" in (await hashOf(redis, bench.model, pointer.jobId)));
  expect(rounds).toBe(2);
  expect(bench.errors.map((error) => error.message)).toEqual(["the database is gone"]);
  expect((await hashOf(redis, bench.model, pointer.jobId))["failedReason"]).toBeUndefined();
});

test("runs as many handlers at once as it is told, also after a change", async () => {
  const lanes = bench.lanes();
  await lanes.add(Array.from({ length: 12 }, () => bench.pointer()));
  const gate = Promise.withResolvers<void>();
  const { claimed, handler } = collect(async () => {
    await gate.promise;
    return done;
  });
  const consumer = bench.consume(handler, 2);
  await until(() => claimed.length === 2);
  expect(consumer.running()).toBe(2);
  consumer.setConcurrency(5);
  gate.resolve();
  await until(() => claimed.length === 12);
});

test("handlers that only wait lend their places, to as many others and no more, until they end", async () => {
  const lanes = bench.lanes();
  const pointers = Array.from({ length: 8 }, (_, index) => bench.pointer(10 * (index + 1)));
  await lanes.add(pointers);
  const gates = pointers.map(() => Promise.withResolvers<void>());
  const lenders: (() => void)[] = [];
  let mostAtOnce = 0;
  const consumer = bench.consume(async (_, { lendPlace }) => {
    const index = lenders.push(lendPlace) - 1;
    mostAtOnce = Math.max(mostAtOnce, consumer.running());
    await gates[index]?.promise;
    return done;
  }, 2);
  await until(() => lenders.length === 2);
  for (const lend of lenders) lend();
  // All places of BullMQ's worker are taken by handlers that do not end: it would not look again by itself.
  await until(() => lenders.length === 4);
  for (const lend of lenders) lend();
  for (let look = 0; look < 50; look += 1) await lanes.depth(bench.model);
  expect(lenders).toHaveLength(4);
  for (const gate of gates) gate.resolve();
  await until(() => lenders.length === 8 && consumer.running() === 0);
  expect(mostAtOnce).toBe(4);
});

test("a payload of a newer version is left to a newer worker", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  await redis.hset(queueKeys(laneQueue(bench.model)).jobPrefix + pointer.jobId, "data", '{"v":2}');
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(async () => (await lanes.depth(bench.model)).delayed === 1);
  expect(claimed).toEqual([]);
});

test("a pointer whose hash was lost is still handled by its id", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  await redis.del(queueKeys(laneQueue(bench.model)).jobPrefix + pointer.jobId);
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === 1);
  expect(claimed).toEqual([pointer.jobId]);
});

test("close lets handlers end within the grace", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  const gate = Promise.withResolvers<void>();
  const { claimed, handler } = collect(async () => {
    await gate.promise;
    return done;
  });
  const consumer = bench.consume(handler);
  await until(() => claimed.length === 1);
  const closed = consumer.close({ graceMs: 60_000 });
  await lanes.add([bench.pointer()]);
  gate.resolve();
  await closed;
  expect((await hashOf(redis, bench.model, pointer.jobId))["returnvalue"]).toBeDefined();
  expect(await lanes.depth(bench.model)).toMatchObject({ active: 0 });
  expect(claimed).toHaveLength(1);
});

test("close aborts a handler whose grace is over and carries out its answer", async () => {
  const lanes = bench.lanes();
  await lanes.add([bench.pointer()]);
  let claims = 0;
  const consumer = bench.consume(async (_, { signal }) => {
    claims += 1;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    return { kind: "later", at: Date.now() };
  });
  await until(() => claims === 1);
  await consumer.close({ graceMs: 10 });
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 0, active: 0, delayed: 1 });
});

test("close hands back what a deaf handler holds, with its priority, for another worker", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer(7);
  await lanes.add([pointer]);
  const { priority } = await hashOf(redis, bench.model, pointer.jobId);
  const deaf = collect(() => new Promise(() => undefined));
  const consumer = bench.consume(deaf.handler);
  await until(() => deaf.claimed.length === 1);
  await consumer.close({ graceMs: 10 });
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 0, active: 0, delayed: 1 });
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === 1);
  expect((await hashOf(redis, bench.model, pointer.jobId))["priority"]).toBe(priority);
});

test("a rebuilt consumer goes on claiming, and what ran before ends as usual", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const before = bench.pointer();
  await lanes.add([before]);
  const gate = Promise.withResolvers<void>();
  const { claimed, handler } = collect(async ({ jobId }) => {
    if (jobId === before.jobId) await gate.promise;
    return done;
  });
  const consumer = bench.consume(handler, 2);
  await until(() => claimed.length === 1);
  consumer.rebuild();
  const after = bench.pointer();
  await lanes.add([after]);
  await until(async () => "finishedOn" in (await hashOf(redis, bench.model, after.jobId)));
  gate.resolve();
  await until(async () => "returnvalue" in (await hashOf(redis, bench.model, before.jobId)));
});

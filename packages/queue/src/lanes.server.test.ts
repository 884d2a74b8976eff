import { laneQueue, queueKeys } from "@sluice/redis";
import { afterEach, expect, test } from "vitest";
import { testRedisUrl } from "../../../test/kit/servers.ts";
import { collect, createBench, hashOf, newJobId, until } from "./test-setup.ts";

let bench = createBench(testRedisUrl());
afterEach(async () => {
  await bench.close();
  bench = createBench(testRedisUrl());
});

test("claims the earliest deadline first, whatever the order of adding", async () => {
  const lanes = bench.lanes();
  const minutes = [50, 5, 500, 1, 5000, 20];
  const pointers = minutes.map((minute) => bench.pointer(minute));
  for (const pointer of pointers) await lanes.add([pointer]);
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === minutes.length);
  const wanted = pointers.toSorted((a, b) => a.effectiveDeadlineAt - b.effectiveDeadlineAt);
  expect(claimed).toEqual(wanted.map((pointer) => pointer.jobId));
});

test("claims in order of adding within one step of priority", async () => {
  const lanes = bench.lanes();
  const effectiveDeadlineAt = Date.now() + 60_000;
  const pointers = Array.from({ length: 30 }, () => bench.pointer(1, { effectiveDeadlineAt }));
  await lanes.add(pointers);
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === pointers.length);
  expect(claimed).toEqual(pointers.map((pointer) => pointer.jobId));
});

test("a pointer that is put back goes before those of its urgency that have not run", async () => {
  const lanes = bench.lanes();
  const effectiveDeadlineAt = Date.now() + 600_000;
  const [more, ...others] = [9, 10, 10, 10].map((minute) =>
    bench.pointer(minute, minute === 10 ? { effectiveDeadlineAt } : {}),
  );
  const back = others.at(-1);
  if (more === undefined || back === undefined) throw new Error("the pointers are made above");
  await lanes.add([...others, more]);
  await lanes.replace([back]);
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === 4);
  expect(claimed).toEqual([more, back, ...others.slice(0, 2)].map((pointer) => pointer.jobId));
});

test("a deadline in the past is the most urgent, and still has a priority", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const overdue = bench.pointer(-1_000_000);
  await lanes.add([overdue]);
  expect((await hashOf(redis, bench.model, overdue.jobId))["priority"]).toBe("1");
});

test("an added pointer that is there already stays as it is", async () => {
  const lanes = bench.lanes();
  const pointer = bench.pointer(10);
  await lanes.add([pointer]);
  await lanes.add([{ ...pointer, effectiveDeadlineAt: pointer.effectiveDeadlineAt + 1e9 }, pointer]);
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 1, active: 0, delayed: 0 });
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === 1);
  await until(async () => (await lanes.depth(bench.model)).active === 0);
  await lanes.add([pointer]);
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 0, active: 0, delayed: 0 });
});

test("a pointer that is not due yet is delayed and counted so", async () => {
  const lanes = bench.lanes();
  const pointer = bench.pointer(10, { notBeforeAt: Date.now() + 3_600_000 });
  await lanes.add([pointer]);
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 0, active: 0, delayed: 1 });
  expect(await lanes.missing(bench.model, [pointer.jobId])).toEqual([]);
});

test("a due pointer is claimed without anyone's help", async () => {
  const lanes = bench.lanes();
  const { claimed, handler } = collect();
  bench.consume(handler);
  await lanes.add([bench.pointer(10, { notBeforeAt: Date.now() + 300 })]);
  await until(() => claimed.length === 1);
});

test("finds which jobs the lane does not hold: unknown and ended ones", async () => {
  const lanes = bench.lanes();
  const ended = bench.pointer();
  await lanes.add([ended]);
  const ending = bench.consume(async () => ({ kind: "done", reference: "r" }));
  await until(async () => (await lanes.missing(bench.model, [ended.jobId])).length === 1);
  await ending.close({ graceMs: 0 });
  const [waiting, delayed] = [bench.pointer(), bench.pointer(1, { notBeforeAt: Date.now() + 1e6 })];
  await lanes.add([waiting, delayed]);
  const unknown = newJobId();
  const asked = [waiting.jobId, unknown, delayed.jobId, ended.jobId];
  expect(await lanes.missing(bench.model, asked)).toEqual([unknown, ended.jobId]);
});

test("a pointer that nothing leads to is missing, and replace makes it whole", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  await redis.zrem(queueKeys(laneQueue(bench.model)).prioritized, pointer.jobId);
  expect(await lanes.missing(bench.model, [pointer.jobId])).toEqual([pointer.jobId]);
  await lanes.replace([pointer]);
  expect(await lanes.missing(bench.model, [pointer.jobId])).toEqual([]);
});

test("replace brings an ended pointer back with its new deadline", async () => {
  const lanes = bench.lanes();
  const [again, other] = [bench.pointer(60), bench.pointer(30)];
  await lanes.add([again]);
  const first = collect();
  const ending = bench.consume(first.handler);
  await until(async () => (await lanes.missing(bench.model, [again.jobId])).length === 1);
  await ending.close({ graceMs: 0 });
  await lanes.add([other]);
  await lanes.replace([{ ...again, effectiveDeadlineAt: Date.now() + 60_000 }]);
  const second = collect();
  bench.consume(second.handler);
  await until(() => second.claimed.length === 2);
  expect(second.claimed).toEqual([again.jobId, other.jobId]);
});

test("remove takes waiting pointers out and leaves one that is being worked on", async () => {
  const lanes = bench.lanes();
  const working = bench.pointer(1);
  await lanes.add([working]);
  const { promise, resolve } = Promise.withResolvers<void>();
  const { claimed, handler } = collect(async () => {
    await promise;
    return { kind: "done", reference: "r" };
  });
  bench.consume(handler);
  await until(() => claimed.length === 1);
  const waiting = bench.pointer(5);
  await lanes.add([waiting]);
  await lanes.remove(bench.model, [working.jobId, waiting.jobId]);
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 0, active: 1, delayed: 0 });
  expect(await lanes.unlocked(bench.model)).toEqual([]);
  resolve();
  await until(async () => (await lanes.depth(bench.model)).active === 0);
});

test("replace does not touch a pointer whose worker lives", async () => {
  const lanes = bench.lanes();
  const pointer = bench.pointer();
  await lanes.add([pointer]);
  const { promise, resolve } = Promise.withResolvers<void>();
  const { claimed, handler } = collect(async () => {
    await promise;
    return { kind: "done", reference: "the only one" };
  });
  bench.consume(handler, 3);
  await until(() => claimed.length === 1);
  await lanes.replace([pointer]);
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 0, active: 1, delayed: 0 });
  resolve();
  await until(async () => (await lanes.missing(bench.model, [pointer.jobId])).length === 1);
  expect(claimed).toHaveLength(1);
});

test("a lost data set has another generation, and what is added then counts from its epoch", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  await lanes.add([bench.pointer()]);
  const before = await lanes.generation();
  expect(await lanes.generation()).toBe(before);
  await redis.flushall();
  // Another process begins the new generation, a year ago by its wrong clock: its epoch rules all the same.
  await redis.hset("sluice:generation", { id: "after", epoch_at: Date.now() - 365 * 86_400_000 });
  const pointer = bench.pointer(10);
  await lanes.add([pointer]);
  expect(await lanes.generation()).toBe("after");
  const { priority } = await hashOf(redis, bench.model, pointer.jobId);
  expect(Number(priority)).toBeGreaterThan(2_097_151 / 2);
});

test("a pointer costs Redis less than 1 KiB, and the event stream stays short", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const usedBytes = async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
  await lanes.add([bench.pointer()]);
  const before = await usedBytes();
  const pointers = Array.from({ length: 10_000 }, (_, index) => bench.pointer(index));
  await lanes.add(pointers);
  const each = ((await usedBytes()) - before) / pointers.length;
  const events = await redis.xlen(`${queueKeys(laneQueue(bench.model)).jobPrefix}events`);
  const hash = await redis.memory("USAGE", queueKeys(laneQueue(bench.model)).jobPrefix + pointers[0]?.jobId);
  console.info(`bytes per queued pointer: ${Math.round(each)} (its hash ${hash}); events kept: ${events}`);
  expect(each).toBeLessThan(1024);
  expect(events).toBeLessThan(1_000);
});

test("looking for pointers costs a few commands, not one for each that lies in the lane", async () => {
  const lanes = bench.lanes();
  const redis = bench.open("commands");
  const pointers = Array.from({ length: 1_200 }, () => bench.pointer(5));
  await lanes.add(pointers.slice(1));
  const commands = async (): Promise<number> => {
    const counts = [...(await redis.info("commandstats")).matchAll(/calls=(\d+)/g)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const before = await commands();
  const missing = await lanes.missing(
    bench.model,
    pointers.map(({ jobId }) => jobId),
  );
  expect(missing).toEqual([pointers[0]?.jobId]);
  expect((await commands()) - before).toBeLessThan(30);
});

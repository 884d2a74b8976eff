import type { Verdict } from "@sluice/domain";
import { queueKeys, sideQueue } from "@sluice/redis";
import { afterEach, expect, test } from "vitest";
import { testRedisUrl } from "../../../test/kit/servers.ts";
import { createDeadLetters, createIdConsumer, createIdQueue, queuesForBoard } from "./index.ts";
import { createBench, done, newJobId, systemClock, until } from "./test-setup.ts";

let bench = createBench(testRedisUrl());
afterEach(async () => {
  await bench.open("commands").flushall();
  await bench.close();
  bench = createBench(testRedisUrl());
});

function setup() {
  const queue = createIdQueue({ name: "delivery", redis: bench.open("producer"), clock: systemClock });
  const consume = (handler: (id: string) => Promise<Verdict>) =>
    createIdConsumer({
      name: "delivery",
      redis: bench.open("worker"),
      concurrency: 1,
      handler,
      workerName: "wrk_test",
      clock: systemClock,
      onError: () => undefined,
    });
  return { queue, consume };
}

test("ids are handled in order of adding", async () => {
  const { queue, consume } = setup();
  await queue.add([{ id: "dlv_1" }, { id: "dlv_2" }]);
  await queue.add([{ id: "dlv_3" }, { id: "dlv_1" }]);
  const handled: string[] = [];
  const consumer = consume(async (id) => {
    handled.push(id);
    return done;
  });
  await until(() => handled.length === 3);
  await consumer.close({ graceMs: 0 });
  expect(handled).toEqual(["dlv_1", "dlv_2", "dlv_3"]);
});

test("an ended id can be added again, at once", async () => {
  const { queue, consume } = setup();
  let handled = 0;
  const consumer = consume(async () => {
    handled += 1;
    return handled === 1 ? done : { kind: "failed", code: "gave_up" };
  });
  for (let round = 1; round <= 3; round += 1) {
    // The one before may be ending just now; then it is left alone and asked for again.
    await until(async () => {
      await queue.add([{ id: "dlv_1" }]);
      return handled === round;
    });
  }
  await consumer.close({ graceMs: 0 });
});

test("an id that waits for later is brought forward by adding it again", async () => {
  const { queue, consume } = setup();
  await queue.add([{ id: "dlv_1", notBeforeAt: Date.now() + 3_600_000 }]);
  const handled: string[] = [];
  const consumer = consume(async (id) => {
    handled.push(id);
    return done;
  });
  await queue.add([{ id: "dlv_1" }]);
  await until(() => handled.length === 1);
  await consumer.close({ graceMs: 0 });
});

test("an id that is being worked on is not handled twice at once", async () => {
  const { queue, consume } = setup();
  const gate = Promise.withResolvers<void>();
  let handled = 0;
  const consumer = consume(async () => {
    handled += 1;
    await gate.promise;
    return done;
  });
  await queue.add([{ id: "dlv_1" }]);
  await until(() => handled === 1);
  await queue.add([{ id: "dlv_1" }]);
  const redis = bench.open("commands");
  expect(await redis.llen(queueKeys(sideQueue("delivery")).active)).toBe(1);
  expect(await redis.llen(queueKeys(sideQueue("delivery")).wait)).toBe(0);
  gate.resolve();
  await consumer.close({ graceMs: 60_000 });
  expect(handled).toBe(1);
});

test("dead letters are shown with model and code, the newest only, each job once", async () => {
  const redis = bench.open("producer");
  const letters = createDeadLetters({ redis, keep: 3 });
  const ids = Array.from({ length: 5 }, newJobId);
  for (const jobId of ids) await letters.add([{ jobId, model: "auto", code: "attempts_exhausted" }]);
  await letters.add([{ jobId: ids[4] ?? newJobId(), model: "auto", code: "attempts_exhausted" }]);
  const keys = queueKeys(sideQueue("dead-letter"));
  expect((await redis.lrange(keys.wait, 0, -1)).toReversed()).toEqual(ids.slice(2));
  expect(await redis.hget(`${keys.jobPrefix}${ids[4]}`, "data")).toBe(
    '{"v":1,"model":"auto","code":"attempts_exhausted"}',
  );
  expect(await redis.exists(`${keys.jobPrefix}${ids[0]}`)).toBe(0);
  await letters.remove(ids.slice(0, 4));
  expect(await redis.lrange(keys.wait, 0, -1)).toEqual(ids.slice(4));
});

test("the board gets the lanes under their models' names, with the queues beside them", async () => {
  const lanes = bench.lanes();
  await lanes.add([bench.pointer(), bench.pointer()]);
  const board = queuesForBoard({ redis: bench.open("producer"), models: [bench.model] });
  expect(board.queues.map((queue) => queue.name)).toEqual([
    `lane.${bench.model}`,
    "batches",
    "dead-letter",
    "delivery",
  ]);
  expect(await board.queues[0]?.getJobCounts("prioritized")).toEqual({ prioritized: 2 });
  await board.close();
  await lanes.add([bench.pointer()]);
});

import { afterEach, expect, test } from "vitest";
import { testRedisUrl } from "../../../test/kit/servers.ts";
import { createLaneWaker } from "./index.ts";
import { collect, createBench, newJobId, until } from "./test-setup.ts";

let bench = createBench(testRedisUrl());
afterEach(async () => {
  await bench.close();
  bench = createBench(testRedisUrl());
});

test("a woken pointer is claimed at once, in the place that its deadline gives it", async () => {
  const lanes = bench.lanes();
  const waker = createLaneWaker(bench.open("commands"));
  const notBeforeAt = Date.now() + 3_600_000;
  const [late, soon] = [bench.pointer(50, { notBeforeAt }), bench.pointer(5, { notBeforeAt })];
  const between = bench.pointer(20);
  await lanes.add([late, soon, between]);
  expect(await waker.wake(bench.model, [late.jobId, soon.jobId])).toEqual({ inHand: [], gone: [] });
  const { claimed, handler } = collect();
  bench.consume(handler);
  await until(() => claimed.length === 3);
  expect(claimed).toEqual([soon.jobId, between.jobId, late.jobId]);
  await waker.close();
});

test("waking leaves alone what waits or is gone, and names what a worker still has in its hands", async () => {
  const lanes = bench.lanes();
  const waker = createLaneWaker(bench.open("commands"));
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
  const unknown = newJobId();
  const answer = await waker.wake(bench.model, [working.jobId, waiting.jobId, unknown]);
  expect(answer).toEqual({ inHand: [working.jobId], gone: [unknown] });
  expect(await lanes.depth(bench.model)).toEqual({ waiting: 1, active: 1, delayed: 0 });
  resolve();
  await until(() => claimed.length === 2);
  await waker.close();
});

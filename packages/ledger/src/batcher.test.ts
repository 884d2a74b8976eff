import { expect, test } from "vitest";
import { createBatcher } from "./batcher.ts";

interface Options {
  fail?: (items: readonly number[]) => unknown;
  maxInFlight?: number;
  worthwhileRows?: number;
}

function setup(options: Options = {}) {
  const flushes: number[][] = [];
  const open: (() => void)[] = [];
  const families: string[] = [];
  const batcher = createBatcher<number, string>({
    family: "test",
    maxRows: 3,
    maxBytes: 100,
    maxInFlight: options.maxInFlight ?? 1,
    worthwhileRows: options.worthwhileRows ?? 1,
    sizeOf: (item) => item,
    onFlush: ({ family, rows }) => families.push(`${family}:${rows}`),
    async flush(items) {
      flushes.push([...items]);
      await new Promise<void>((resolve) => open.push(resolve));
      const error = options.fail?.(items);
      if (error !== undefined) throw error;
      return items.map((item) => `<${item}>`);
    },
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  /** Lets flushes end, one after the other, until no further one begins. */
  async function drain() {
    for (let idle = 0; idle < 5; idle += 1) {
      await turn();
      if (open.length > 0) idle = 0;
      open.shift()?.();
    }
  }
  return { batcher, flushes, families, open, turn, drain };
}

test("calls of one turn share a flush; calls during a flush share the next", async () => {
  const { batcher, flushes, drain, turn, families } = setup();
  const first = [batcher.add([1]), batcher.add([2])];
  await turn();
  const later = [batcher.add([3]), batcher.add([4])];
  await turn();
  expect(flushes).toEqual([[1, 2]]);
  await drain();
  expect(flushes).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(await Promise.all([...first, ...later])).toEqual([["<1>"], ["<2>"], ["<3>"], ["<4>"]]);
  expect(families).toEqual(["test:2", "test:2"]);
});

test("a flush is bounded in rows and in bytes, and a row above the bound goes alone", async () => {
  const { batcher, flushes, drain } = setup();
  const all = batcher.add([1, 2, 3, 4, 500, 60, 50]);
  await drain();
  expect(flushes).toEqual([[1, 2, 3], [4], [500], [60], [50]]);
  expect(await all).toEqual(["<1>", "<2>", "<3>", "<4>", "<500>", "<60>", "<50>"]);
});

test("no more flushes are in flight than allowed", async () => {
  const { batcher, flushes, drain } = setup({ maxInFlight: 2, worthwhileRows: 2 });
  const all = batcher.add([1, 2, 3, 4, 5, 6, 7]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(flushes).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  await drain();
  expect(await all).toHaveLength(7);
});

test("few rows wait for the flush under way, so that they go together with those that come meanwhile", async () => {
  const { batcher, flushes, drain } = setup({ maxInFlight: 2, worthwhileRows: 3 });
  const first = batcher.add([1]);
  await new Promise((resolve) => setImmediate(resolve));
  const later = [batcher.add([2]), batcher.add([3])];
  await new Promise((resolve) => setImmediate(resolve));
  expect(flushes).toEqual([[1]]);
  await drain();
  expect(flushes).toEqual([[1], [2, 3]]);
  expect(await Promise.all([first, ...later])).toEqual([["<1>"], ["<2>"], ["<3>"]]);
});

test("a row that PostgreSQL cannot take fails alone", async () => {
  const bad = (items: readonly number[]) => (items.includes(2) ? { code: "22021" } : undefined);
  const { batcher, drain } = setup({ fail: bad });
  const calls = Promise.allSettled([1, 2, 3].map((item) => batcher.add([item])));
  await drain();
  expect((await calls).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("a lost connection fails every call of its flush, and the next flush goes on", async () => {
  let lost = true;
  const { batcher, drain, flushes } = setup({
    fail: () => (lost ? { code: "CONNECTION_CLOSED" } : undefined),
  });
  const calls = Promise.allSettled([batcher.add([1]), batcher.add([2])]);
  await drain();
  expect((await calls).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(flushes).toEqual([[1, 2]]);
  lost = false;
  const next = batcher.add([3]);
  await drain();
  expect(await next).toEqual(["<3>"]);
});

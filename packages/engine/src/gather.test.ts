import { describe, expect, test } from "vitest";
import { settled } from "../../../test/kit/fakes/fake-clock.ts";
import { gather } from "./gather.ts";

/** A flush whose calls a test ends one by one. */
function setup(maxItems?: number) {
  const flushes: { items: readonly number[]; end: () => void; fail: (error: Error) => void }[] = [];
  const add = gather<number>((items) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    flushes.push({ items, end: resolve, fail: reject });
    return promise;
  }, maxItems);
  return { flushes, add, itemsOf: () => flushes.map(({ items }) => items) };
}

describe("gather", () => {
  test("hands on the items of one turn together, in their order", async () => {
    const { add, flushes, itemsOf } = setup();
    const done = Promise.all([add(1), add(2), add(3)]);
    await settled();
    expect(itemsOf()).toEqual([[1, 2, 3]]);
    flushes[0]?.end();
    await done;
  });

  test("keeps what arrives during a flush for the next one", async () => {
    const { add, flushes, itemsOf } = setup();
    const first = add(1);
    await settled();
    const later = Promise.all([add(2), add(3)]);
    await settled();
    expect(itemsOf()).toEqual([[1]]);
    flushes[0]?.end();
    await first;
    await settled();
    expect(itemsOf()).toEqual([[1], [2, 3]]);
    flushes[1]?.end();
    await later;
  });

  test("tells an error to the callers of that flush only", async () => {
    const { add, flushes } = setup(2);
    const fates = [1, 2, 3].map((item) =>
      add(item).then(
        () => "kept",
        (error: Error) => error.message,
      ),
    );
    await settled();
    flushes[0]?.fail(new Error("away"));
    await settled();
    flushes[1]?.end();
    expect(await Promise.all(fates)).toEqual(["away", "away", "kept"]);
  });

  test("passes no more than the most at once", async () => {
    const { add, flushes, itemsOf } = setup(2);
    const done = Promise.all([1, 2, 3, 4, 5].map(add));
    for (let index = 0; index < 3; index += 1) {
      await settled();
      flushes[index]?.end();
    }
    await done;
    expect(itemsOf()).toEqual([[1, 2], [3, 4], [5]]);
  });

  test("goes on after an error, also one that is thrown at once", async () => {
    let calls = 0;
    const add = gather<number>(() => {
      calls += 1;
      if (calls === 1) throw new Error("at once");
      return Promise.resolve();
    });
    await expect(add(1)).rejects.toThrow("at once");
    await expect(add(2)).resolves.toBeUndefined();
  });
});

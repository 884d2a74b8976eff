import { expect, test } from "vitest";
import { restartDelay } from "./restart-delay.ts";

test("the first restart comes quickly", () => {
  expect(restartDelay({ previousMs: undefined, livedMs: 0 })).toBe(200);
});

test("who keeps dying early waits twice as long each time, up to five seconds", () => {
  const delays: number[] = [];
  for (let death = 0; death < 7; death += 1) {
    delays.push(restartDelay({ previousMs: delays.at(-1), livedMs: 9_999 }));
  }
  expect(delays).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("who lived ten seconds starts over", () => {
  expect(restartDelay({ previousMs: 5_000, livedMs: 10_000 })).toBe(200);
});

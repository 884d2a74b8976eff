import { describe, expect, test } from "vitest";
import { createVirtualClock } from "./virtual-clock.ts";

describe("createVirtualClock", () => {
  test("runs timers in order of time, those of one moment in order of setting, and lets promises settle between", async () => {
    const clock = createVirtualClock(1_000);
    const seen: string[] = [];
    const note = (name: string) => seen.push(`${name}@${clock.now()}`);
    clock.setTimer(20, () => note("late"));
    clock.setTimer(10, () => {
      note("first");
      void Promise.resolve()
        .then(() => undefined)
        .then(() => note("its promise"));
    });
    clock.setTimer(10, () => note("second"));
    clock.setTimer(15, () => note("never"))();
    await clock.run(() => false);
    expect(seen).toEqual(["first@1010", "its promise@1010", "second@1010", "late@1020"]);
  });

  test("keeps many timers in order, also those that timers set", async () => {
    const clock = createVirtualClock(0);
    const moments: number[] = [];
    for (let n = 0; n < 500; n += 1) {
      const delay = (n * 7919) % 997;
      clock.setTimer(delay, () => {
        moments.push(clock.now());
        if (delay % 5 === 0) clock.setTimer(3, () => moments.push(clock.now()));
      });
    }
    await clock.run(() => false);
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
    expect(moments.length).toBeGreaterThan(500);
  });

  test("stops as soon as it is told to", async () => {
    const clock = createVirtualClock(0);
    let ticks = 0;
    const tick = () => {
      ticks += 1;
      clock.setTimer(1, tick);
    };
    tick();
    await clock.run(() => ticks === 10);
    expect([ticks, clock.now()]).toEqual([10, 9]);
  });
});

import { expect, test } from "vitest";
import { systemClock, systemRandom } from "./system.ts";

test("the system's clock does not step back, and its wall clock is that of the machine", () => {
  const before = systemClock.monotonicMs();
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
  expect(Number.isInteger(systemClock.now())).toBe(true);
});

test("a timer runs once, unless it is cancelled; one beyond Node's range does not run at once", async () => {
  const ran: string[] = [];
  const cancelFar = systemClock.setTimer(1e12, () => ran.push("far"));
  systemClock.setTimer(0, () => ran.push("cancelled"))();
  await new Promise<void>((resolve) => {
    systemClock.setTimer(5, () => {
      ran.push("near");
      resolve();
    });
  });
  cancelFar();
  expect(ran).toEqual(["near"]);
});

test("chance lies in [0, 1)", () => {
  for (let draw = 0; draw < 100; draw += 1) {
    const value = systemRandom.next();
    expect(value >= 0 && value < 1).toBe(true);
  }
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { createSlots } from "./slots.ts";

test("never runs more than its size at once, and runs the waiting in the order they came", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean(), { maxLength: 60 }), (size, steps) => {
      const slots = createSlots(size);
      const started: number[] = [];
      let [running, came] = [0, 0];
      for (const arrives of steps) {
        if (arrives) {
          const name = came;
          came += 1;
          slots.take(() => {
            running += 1;
            started.push(name);
          });
        } else if (running > 0) {
          running -= 1;
          slots.free();
        }
        expect(running).toBeLessThanOrEqual(size);
        if (running < size) expect(started).toHaveLength(came);
        expect(started).toEqual(started.map((_, index) => index));
      }
    }),
  );
});

test("goes on to the next when a started call ends at once, and skips who left", () => {
  const slots = createSlots(1);
  const started: string[] = [];
  const leaver = (): unknown => started.push("leaver");
  slots.take(() => started.push("first"));
  for (const name of ["second", "third"]) {
    slots.take(() => {
      started.push(name);
      slots.free();
    });
  }
  slots.take(leaver);
  slots.leave(leaver);
  slots.take(() => started.push("last"));
  slots.free();
  expect(started).toEqual(["first", "second", "third", "last"]);
});

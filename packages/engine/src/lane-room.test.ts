import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryLanes } from "../../../test/kit/fakes/memory-lanes.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createLaneRoom, laneWindow } from "./lane-room.ts";

function setup() {
  const lanes = createMemoryLanes();
  const clock = createFakeClock();
  const room = createLaneRoom({ lanes, clock, logger: createRecordingLogger() });
  const taken = (count: number) =>
    Array.from({ length: count }, () => room.take("auto")).filter(Boolean).length;
  const fill = (count: number) => {
    for (let index = 0; index < count; index += 1) {
      lanes.waiting.set(`job_${index}`, { jobId: `job_${index}`, model: "auto", effectiveDeadlineAt: 0 });
    }
  };
  const reads = () => lanes.calls.filter(({ method }) => method === "depth").length;
  return { lanes, clock, room, taken, fill, reads };
}

describe("createLaneRoom", () => {
  test("gives no more places than the window has", async () => {
    const { taken } = setup();
    expect(taken(laneWindow + 10)).toBe(laneWindow);
  });

  test("counts what waits in the lane already, once its depth is read", async () => {
    const { taken, fill, clock } = setup();
    fill(laneWindow - 3);
    taken(1);
    await settled();
    expect(taken(10)).toBe(3);
    await clock.advance(100);
    expect(taken(10)).toBe(0);
  });

  test("sees places that have become free after a moment", async () => {
    const { taken, fill, clock, lanes } = setup();
    fill(laneWindow);
    taken(1);
    await settled();
    expect(taken(1)).toBe(0);
    lanes.flush();
    await clock.advance(251);
    taken(1);
    await settled();
    expect(taken(1)).toBe(1);
  });

  test("reads the depth at most once per moment, and never twice at once", async () => {
    const { taken, clock, lanes, reads } = setup();
    const answer = lanes.faults.hang("depth");
    taken(100);
    await clock.advance(1_000);
    taken(100);
    expect(reads()).toBe(1);
    answer();
    await settled();
    taken(100);
    await clock.advance(251);
    taken(100);
    expect(reads()).toBe(2);
  });

  test("gives no place while Redis does not say how deep the lane is", async () => {
    const { taken, clock, lanes } = setup();
    lanes.faults.arm("depth");
    taken(1);
    await settled();
    expect(taken(5)).toBe(0);
    await clock.advance(251);
    taken(1);
    await settled();
    expect(taken(5)).toBe(5);
  });

  test("counts each model by itself", () => {
    const { taken, room } = setup();
    taken(laneWindow);
    expect(room.take("auto")).toBe(false);
    expect(room.take("other")).toBe(true);
  });
});

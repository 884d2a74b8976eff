import { expect, test } from "vitest";
import { capacityKey, laneQueue, modelOfLane, queueKeys, sideQueue } from "./keys.ts";

test("a lane is shown by its model, and all its keys share one hash tag", () => {
  const lane = laneQueue("auto");
  expect(lane).toEqual({ name: "lane.auto", prefix: "{lane.auto}" });
  for (const key of Object.values(queueKeys(lane))) expect(key).toMatch(/^\{lane\.auto\}:lane\.auto:/);
});

test.each(["auto", "gpt-4o-mini", "vendor/model:free", "100% {odd}"])(
  "%j survives the way to a lane's name and back",
  (model) => {
    const { name } = laneQueue(model);
    expect(name).not.toMatch(/[:{}]/);
    expect(modelOfLane(name)).toBe(model);
  },
);

test("a side queue is no lane", () => {
  expect(modelOfLane(sideQueue("dead-letter").name)).toBeUndefined();
});

test("all capacity keys share one hash tag", () => {
  expect(capacityKey("target", "small-openai")).toBe("{capacity}:target:small-openai");
});

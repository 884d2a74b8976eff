import type { Consumer } from "@sluice/queue";
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { consumeLanes } from "./consume-lanes.ts";

test("a model that a reload adds gets a consumer, one that is gone keeps its own, and all are closed once", async () => {
  const clock = createFakeClock();
  const opened: string[] = [];
  const closed: string[] = [];
  let models = ["auto", "small"];
  const lanes = consumeLanes({
    clock,
    models: () => models,
    open(model) {
      opened.push(model);
      return { close: async () => void closed.push(model) } as unknown as Consumer;
    },
  });
  models = ["auto", "large"];
  await clock.advance(10_000);
  expect(opened).toEqual(["auto", "small", "large"]);
  await lanes.close(0);
  await clock.advance(10_000);
  expect(closed.toSorted()).toEqual(["auto", "large", "small"]);
  expect(opened).toHaveLength(3);
});

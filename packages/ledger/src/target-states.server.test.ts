import { expect, test } from "vitest";
import { setup } from "./testing/setup.ts";

test("the state of a target is the one that was set last, and its moment always moves on", async () => {
  const { ledger } = await setup();
  expect(await ledger.targetStates()).toEqual([]);
  const paused = { targetId: "b", state: "paused", changedAt: 5_000 } as const;
  expect(await ledger.setTargetState("b", "paused", 5_000)).toEqual(paused);
  await ledger.setTargetState("a", "draining", 7_000);
  // By a clock that is behind.
  expect(await ledger.setTargetState("a", "active", 6_000)).toEqual({
    targetId: "a",
    state: "active",
    changedAt: 7_001,
  });
  expect(await ledger.targetStates()).toEqual([{ targetId: "a", state: "active", changedAt: 7_001 }, paused]);
});

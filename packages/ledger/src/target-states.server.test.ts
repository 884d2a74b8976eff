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

test("a weight is kept beside the state, until it is taken back", async () => {
  const { ledger } = await setup();
  await ledger.setTargetState("a", "paused", 5_000);
  const given = [
    { targetId: "b", weight: 0 },
    { targetId: "a", weight: 12.5 },
  ];
  expect(await ledger.setTargetWeights(given, 5_000)).toEqual([
    { targetId: "a", state: "paused", weight: 12.5, changedAt: 5_001 },
    { targetId: "b", state: "active", weight: 0, changedAt: 5_000 },
  ]);
  expect(await ledger.setTargetState("a", "active", 6_000)).toMatchObject({ state: "active", weight: 12.5 });
  await ledger.setTargetWeights([{ targetId: "a", weight: undefined }], 7_000);
  expect(await ledger.targetStates()).toEqual([
    { targetId: "a", state: "active", changedAt: 7_000 },
    { targetId: "b", state: "active", weight: 0, changedAt: 5_000 },
  ]);
});

test("of several weights none is set when one cannot be", async () => {
  const { ledger } = await setup();
  const given = [
    { targetId: "a", weight: 1 },
    { targetId: "b", weight: -1 },
  ];
  await expect(ledger.setTargetWeights(given, 5_000)).rejects.toThrow();
  expect(await ledger.targetStates()).toEqual([]);
});

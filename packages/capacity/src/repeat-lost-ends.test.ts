import { expect, test } from "vitest";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { repeatLostEnds } from "./repeat-lost-ends.ts";
import { testRequest, testTarget } from "./testing/values.ts";

const realUse = { inputTokens: 10, outputTokens: 20, costUsd: 0, sentAfterMs: 1 };

async function setup() {
  const scripted = createScriptedCapacity();
  const capacity = repeatLostEnds(scripted);
  const answer = await capacity.reserve(testRequest(testTarget("a")));
  if (answer.kind === "denied") throw new Error("the fake has room for all");
  return { scripted, capacity, reservation: answer.reservation };
}

test("a settlement that failed is repeated with the same numbers at the next renewal, and only once", async () => {
  const { scripted, capacity, reservation } = await setup();
  scripted.faults.arm("settle");
  await expect(capacity.settle(reservation, realUse)).rejects.toThrow();
  expect(scripted.open.size).toBe(1);
  await capacity.renew("w1", 30_000);
  await capacity.renew("w1", 30_000);
  expect(scripted.open.size).toBe(0);
  expect(scripted.settlements).toEqual([{ reservation, use: realUse }]);
});

test("a release that failed is repeated until it succeeds", async () => {
  const { scripted, capacity, reservation } = await setup();
  scripted.faults.arm("release");
  await expect(capacity.release(reservation)).rejects.toThrow();
  scripted.faults.arm("release");
  await expect(capacity.renew("w1", 30_000)).rejects.toThrow();
  expect(scripted.open.size).toBe(1);
  await capacity.renew("w1", 30_000);
  expect(scripted.open.size).toBe(0);
});

test("what was confirmed is not repeated", async () => {
  const { scripted, capacity, reservation } = await setup();
  await capacity.settle(reservation, realUse);
  await capacity.renew("w1", 30_000);
  expect(scripted.settlements).toHaveLength(1);
});

test("what a rebuild brings back after its end is ended again, with the same numbers", async () => {
  const { scripted, capacity, reservation } = await setup();
  await capacity.settle(reservation, realUse);
  await capacity.renew("w1", 30_000);
  scripted.open.set(reservation.id, reservation);
  await capacity.renew("w1", 30_000);
  expect(scripted.open.size).toBe(0);
  expect(scripted.settlements).toEqual([
    { reservation, use: realUse },
    { reservation, use: realUse },
  ]);
});

test("what is kept for the worker and unknown to it at two renewals in a row ends; what is open stays", async () => {
  const { scripted, capacity, reservation } = await setup();
  const stranger = { ...reservation, id: "w1/stranger" };
  scripted.open.set(stranger.id, stranger);
  await capacity.renew("w1", 30_000);
  expect(scripted.settlements).toEqual([]);
  await capacity.renew("w1", 30_000);
  const use = { inputTokens: undefined, outputTokens: undefined, costUsd: undefined };
  expect(scripted.settlements).toEqual([{ reservation: { id: stranger.id }, use }]);
  expect([...scripted.open.keys()]).toEqual([reservation.id]);
});

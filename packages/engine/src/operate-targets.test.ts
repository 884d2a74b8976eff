import type { GivenWeight, OperatedTarget, TargetState } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleTarget } from "../../../test/kit/samples.ts";
import { giveWeight, keepTargetStates, operateTarget, shiftTraffic } from "./operate-targets.ts";
import { readPools } from "./pool-report.ts";

function setup() {
  const clock = createFakeClock();
  const capacity = createScriptedCapacity();
  const states = new Map<string, OperatedTarget>();
  const ledger = {
    setTargetState: async (targetId: string, state: TargetState, now: number) => {
      const operated = { ...states.get(targetId), targetId, state, changedAt: now };
      states.set(targetId, operated);
      return operated;
    },
    setTargetWeights: async (weights: readonly GivenWeight[], now: number) =>
      weights.map(({ targetId, weight }) => {
        const { state = "active" } = states.get(targetId) ?? {};
        const given = weight === undefined ? {} : { weight };
        const operated: OperatedTarget = { targetId, state, ...given, changedAt: now };
        states.set(targetId, operated);
        return operated;
      }),
    targetStates: async () => [...states.values()],
  };
  const config = sampleConfig([
    sampleTarget("one"),
    sampleTarget("two", { weight: 3 }),
    sampleTarget("three"),
  ]);
  const pool = Object.keys(config.pools)[0] ?? "";
  const ports = { ledger, capacity, clock, config: () => config };
  const operate = (target: string, to: TargetState, of = pool) =>
    operateTarget(ports, { pool: of, target, to });
  const weigh = (target: string, weight: number | undefined) => giveWeight(ports, { pool, target, weight });
  const shift = (from: string, to: string, percent: number) =>
    shiftTraffic(ports, { pool, from, to, percent });
  /** The weights that hold now, by target. */
  const weights = async () =>
    Object.fromEntries(
      (await readPools(ports))[0]?.targets.map(({ target, weight }) => [target.id, weight]) ?? [],
    );
  return { ports, ledger, capacity, clock, states, pool, operate, weigh, shift, weights };
}

describe("an operator's word about a target", () => {
  test("is kept in the ledger and told to Redis at once", async () => {
    const { operate, states, capacity, clock } = setup();
    capacity.known.set("one", { inFlight: 7 });
    expect(await operate("one", "draining")).toMatchObject({
      target: { id: "one" },
      state: "draining",
      signals: { inFlight: 7 },
    });
    const operated = { targetId: "one", state: "draining", changedAt: clock.now() };
    expect([states.get("one"), capacity.operated]).toEqual([operated, [operated]]);
  });

  test("holds although Redis is away", async () => {
    const { operate, states, capacity } = setup();
    capacity.faults.arm("operate");
    capacity.faults.arm("signals");
    expect(await operate("one", "paused")).toMatchObject({ state: "paused", signals: undefined });
    expect(states.get("one")?.state).toBe("paused");
  });

  test("is refused for a pool or target that is not configured, which is named", async () => {
    const { operate, states } = setup();
    await expect(operate("none", "paused")).rejects.toMatchObject({ code: "not_found", param: "target" });
    await expect(operate("one", "paused", "constructor")).rejects.toMatchObject({
      code: "not_found",
      param: "pool",
    });
    expect(states.size).toBe(0);
  });

  test("is shown beside what is known of each target of each pool", async () => {
    const { operate, ports, pool, capacity } = setup();
    await operate("two", "paused");
    const targets = [
      { target: { id: "one" }, state: "active", signals: { inFlight: 0 } },
      { target: { id: "two" }, state: "paused" },
      { target: { id: "three" }, state: "active" },
    ];
    expect(await readPools(ports)).toMatchObject([{ pool, targets }]);
    capacity.faults.arm("signals");
    expect((await readPools(ports))[0]?.targets[1]).toMatchObject({ state: "paused", signals: undefined });
  });
});

describe("an operator's weights", () => {
  test("are kept in the ledger and told to Redis at once, until they are taken back", async () => {
    const { weigh, operate, states, capacity, clock } = setup();
    await operate("one", "paused");
    expect(await weigh("one", 10)).toMatchObject({ target: { id: "one" }, state: "paused", weight: 10 });
    const given = { targetId: "one", state: "paused", weight: 10, changedAt: clock.now() };
    expect([states.get("one"), capacity.operated.at(-1)]).toEqual([given, given]);
    capacity.faults.arm("operate");
    expect(await weigh("one", undefined)).toMatchObject({ state: "paused", weight: undefined });
    expect(states.get("one")).not.toHaveProperty("weight");
  });

  test("shift a share of what two targets have together from one to the other", async () => {
    const { shift, weights, states, capacity, clock } = setup();
    const report = await shift("two", "one", 10);
    expect(report.targets.map(({ target, weight }) => [target.id, weight])).toEqual([
      ["one", 0.4],
      ["two", 3.6],
      ["three", undefined],
    ]);
    expect(capacity.operated).toEqual([states.get("two"), states.get("one")]);
    expect(states.get("one")?.changedAt).toBe(clock.now());
    await shift("two", "one", 100);
    expect(await weights()).toEqual({ one: 4, two: 0, three: undefined });
  });

  test("shift what is configured when two targets have nothing", async () => {
    const { shift, weigh, weights } = setup();
    await weigh("one", 0);
    await weigh("two", 0);
    await shift("one", "two", 25);
    expect(await weights()).toMatchObject({ one: 3, two: 1 });
  });

  test("are refused for a target that is not configured, and from a target to itself", async () => {
    const { shift, weigh, states } = setup();
    await expect(weigh("none", 1)).rejects.toMatchObject({ code: "not_found", param: "target" });
    await expect(shift("none", "one", 1)).rejects.toMatchObject({ code: "not_found", param: "from" });
    await expect(shift("one", "none", 1)).rejects.toMatchObject({ code: "not_found", param: "to" });
    await expect(shift("one", "one", 1)).rejects.toMatchObject({ code: "invalid_value", param: "to" });
    expect(states.size).toBe(0);
  });
});

describe("the keeper of targets' states", () => {
  test("tells Redis again and again, so that a loss of Redis resumes nothing", async () => {
    const { ledger, capacity, clock, states, operate } = setup();
    const log = { warn: () => undefined } as never;
    const stop = keepTargetStates({ ledger, capacity, clock, logger: log });
    await settled();
    expect(capacity.operated).toEqual([]);
    await operate("one", "paused");
    capacity.faults.arm("operate");
    const told = capacity.operated.length;
    await clock.advance(2_000);
    await settled();
    expect(capacity.operated.length).toBe(told);
    await clock.advance(2_000);
    await settled();
    expect(capacity.operated.slice(told)).toEqual([states.get("one")]);
    stop();
    await clock.advance(10_000);
    await settled();
    expect(capacity.operated.length).toBe(told + 1);
  });
});

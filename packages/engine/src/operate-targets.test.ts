import type { OperatedTarget, TargetState } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleTarget } from "../../../test/kit/samples.ts";
import { keepTargetStates, operateTarget, readPools } from "./operate-targets.ts";

function setup() {
  const clock = createFakeClock();
  const capacity = createScriptedCapacity();
  const states = new Map<string, OperatedTarget>();
  const ledger = {
    setTargetState: async (targetId: string, state: TargetState, now: number) => {
      const operated = { targetId, state, changedAt: now };
      states.set(targetId, operated);
      return operated;
    },
    targetStates: async () => [...states.values()],
  };
  const config = sampleConfig([sampleTarget("one"), sampleTarget("two")]);
  const pool = Object.keys(config.pools)[0] ?? "";
  const ports = { ledger, capacity, clock, config: () => config };
  const operate = (target: string, to: TargetState, of = pool) =>
    operateTarget(ports, { pool: of, target, to });
  return { ports, ledger, capacity, clock, states, pool, operate };
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
    ];
    expect(await readPools(ports)).toMatchObject([{ pool, targets }]);
    capacity.faults.arm("signals");
    expect((await readPools(ports))[0]?.targets[1]).toMatchObject({ state: "paused", signals: undefined });
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

import type { Leadership } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createFaults } from "../../../test/kit/fakes/faults.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import type { Duty } from "./dispatch.ts";
import { leadDuties } from "./lead.ts";

function setup() {
  const clock = createFakeClock();
  const faults = createFaults<"lead" | "resign">();
  const state: { answer: Leadership; resigned: string[] } = {
    answer: { leads: true, epoch: 5 },
    resigned: [],
  };
  const ledger = {
    lead: (_name: string, _holder: string, _leaseMs: number) => faults.run("lead", () => state.answer),
    resign: (_name: string, holder: string) => faults.run("resign", () => void state.resigned.push(holder)),
  };
  const logger = createRecordingLogger();
  /** Each run of a duty: its name, the epoch it was given and when (ms since the start). */
  const runs: { name: string; epoch: number; at: number }[] = [];
  const from = clock.monotonicMs();
  function duty(name: string, everyMs: number, run: () => Promise<void> | void = () => undefined): Duty {
    return {
      name,
      everyMs,
      async run(epoch) {
        runs.push({ name, epoch, at: clock.monotonicMs() - from });
        await run();
      },
    };
  }
  const lead = (...duties: Duty[]) => leadDuties({ ledger, clock, logger, holder: "me" }, duties);
  const runsOf = (name: string) => runs.filter((run) => run.name === name);
  return { clock, faults, state, logger, runs, runsOf, duty, lead };
}

describe("a leader", () => {
  test("runs each duty at its own pace, with its epoch", async () => {
    const { clock, duty, lead, runsOf } = setup();
    const leading = lead(duty("fast", 100), duty("slow", 1_000));
    await clock.advance(2_050);
    expect(leading.leads()).toBe(true);
    expect(runsOf("fast")).toHaveLength(20);
    expect(runsOf("slow").map(({ at, epoch }) => [at, epoch])).toEqual([
      [1_000, 5],
      [2_000, 5],
    ]);
  });

  test("never runs a duty twice at a time, nor lets it hold up the others", async () => {
    const { clock, duty, lead, runsOf } = setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    lead(
      duty("stuck", 100, () => promise),
      duty("other", 100),
    );
    await clock.advance(1_000);
    expect([runsOf("stuck").length, runsOf("other").length]).toEqual([1, 10]);
    resolve();
    await clock.advance(100);
    expect(runsOf("stuck")).toHaveLength(2);
  });

  test("runs a duty that threw again at its next turn, and the others all the while", async () => {
    const { clock, duty, lead, runsOf, logger } = setup();
    const fail = () => Promise.reject(new Error("away"));
    const failNow = () => {
      throw new Error("at once");
    };
    lead(duty("bad", 100, fail), duty("worse", 100, failNow), duty("good", 100));
    await clock.advance(500);
    expect(["bad", "worse", "good"].map((name) => runsOf(name).length)).toEqual([5, 5, 5]);
    expect(logger.entries.filter(({ fields }) => fields["duty"] === "bad")).toHaveLength(5);
  });

  test("does nothing while another leads, and begins when that one is gone", async () => {
    const { clock, duty, lead, runs, state } = setup();
    state.answer = { leads: false };
    const leading = lead(duty("a", 100));
    await clock.advance(10_000);
    expect([leading.leads(), runs]).toEqual([false, []]);
    state.answer = { leads: true, epoch: 6 };
    await clock.advance(3_100);
    expect(leading.leads()).toBe(true);
    expect(runs[0]?.epoch).toBe(6);
  });

  test("stops its duties when another takes over", async () => {
    const { clock, duty, lead, runs, state } = setup();
    const leading = lead(duty("a", 100));
    await clock.advance(200);
    state.answer = { leads: false };
    await clock.advance(3_000);
    runs.length = 0;
    await clock.advance(1_000);
    expect([leading.leads(), runs]).toEqual([false, []]);
  });

  test("counts as led by nobody while the ledger does not answer, and goes on afterwards", async () => {
    const { clock, duty, lead, runs, faults } = setup();
    const leading = lead(duty("a", 100));
    await clock.advance(1_000);
    const progress = leading.lastProgressMs();
    faults.arm("lead", 2);
    await clock.advance(2_100);
    runs.length = 0;
    await clock.advance(2_500);
    expect([leading.leads(), runs]).toEqual([false, []]);
    expect(leading.lastProgressMs()).toBe(progress);
    await clock.advance(3_000);
    expect(leading.leads()).toBe(true);
    expect(leading.lastProgressMs()).toBeGreaterThan(progress);
  });
});

describe("stopping", () => {
  test("gives leadership up and leaves no timer", async () => {
    const { clock, duty, lead, runs, state } = setup();
    const leading = lead(duty("a", 100));
    await clock.advance(250);
    await leading.stop();
    expect([clock.pendingTimers(), state.resigned, leading.leads()]).toEqual([0, ["me"], false]);
    await clock.advance(5_000);
    expect(runs).toHaveLength(2);
  });

  test("waits for the duty that runs, and only then gives leadership up", async () => {
    const { clock, duty, lead, state } = setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    const leading = lead(duty("a", 100, () => promise));
    await clock.advance(100);
    const stopping = leading.stop();
    await settled();
    expect(state.resigned).toEqual([]);
    resolve();
    await stopping;
    expect([state.resigned, clock.pendingTimers()]).toEqual([["me"], 0]);
  });

  test("works before the ledger has said who leads", async () => {
    const { clock, duty, lead, runs, faults, state } = setup();
    const answer = faults.hang("lead");
    const leading = lead(duty("a", 100));
    const stopping = leading.stop();
    answer();
    await stopping;
    await clock.advance(1_000);
    expect([clock.pendingTimers(), runs, state.resigned]).toEqual([0, [], ["me"]]);
  });

  test("has nothing to give up when another leads, and does not fail with the ledger", async () => {
    const standby = setup();
    standby.state.answer = { leads: false };
    const waiting = standby.lead();
    await standby.clock.advance(100);
    await waiting.stop();
    expect(standby.state.resigned).toEqual([]);
    const { clock, lead, faults } = setup();
    faults.arm("resign");
    const leading = lead();
    await clock.advance(100);
    await expect(leading.stop()).resolves.toBeUndefined();
    expect(clock.pendingTimers()).toBe(0);
  });
});

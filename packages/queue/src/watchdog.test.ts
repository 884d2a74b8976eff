import { expect, test } from "vitest";
import { createBrake } from "./brake.ts";
import { createManualClock } from "./test-clock.ts";
import { startWatchdog } from "./watchdog.ts";

function setup() {
  const clock = createManualClock();
  const state = { claims: 0, idle: true, work: true, stuck: 0 };
  const stop = startWatchdog({
    clock,
    everyMs: 10_000,
    patienceMs: 30_000,
    claims: () => state.claims,
    isIdle: () => state.idle,
    hasWork: async () => state.work,
    onStuck: () => (state.stuck += 1),
    onError: (error) => expect.fail(error.message),
  });
  return { clock, state, stop };
}

test("a consumer that claims nothing beside waiting work is found after its patience", async () => {
  const { clock, state } = setup();
  await clock.advance(39_000);
  expect(state.stuck).toBe(0);
  await clock.advance(2_000);
  expect(state.stuck).toBe(1);
});

test("claims, an empty queue, and full slots are no standstill", async () => {
  for (const change of [{ work: false }, { idle: false }]) {
    const { clock, state } = setup();
    Object.assign(state, change);
    await clock.advance(300_000);
    expect(state.stuck).toBe(0);
  }
  const { clock, state } = setup();
  for (let round = 0; round < 30; round += 1) {
    state.claims += 1;
    await clock.advance(10_000);
  }
  expect(state.stuck).toBe(0);
});

test("a stopped watchdog looks no more", async () => {
  const { clock, state, stop } = setup();
  await clock.advance(25_000);
  stop();
  await clock.advance(300_000);
  expect(state.stuck).toBe(0);
});

test("the brake holds longer with each refusal, at most 10 s, until a claim succeeds", async () => {
  const clock = createManualClock();
  const changes: [number, boolean][] = [];
  const brake = createBrake({ clock, onChange: (isOn) => changes.push([clock.now(), isOn]) });
  const heldMs = async () => {
    const from = clock.now();
    brake.pull();
    brake.pull();
    await clock.advance(20_000);
    const [off] = changes.at(-1) ?? [];
    return (off ?? 0) - from;
  };
  const held = [
    await heldMs(),
    await heldMs(),
    await heldMs(),
    await heldMs(),
    await heldMs(),
    await heldMs(),
  ];
  expect(held).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000]);
  brake.release();
  expect(await heldMs()).toBe(500);
  expect(changes).toHaveLength(14);
});

import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createKeyUseRecorder } from "./record-key-use.ts";

function setup() {
  const clock = createFakeClock();
  const written: { keyId: string; at: number }[][] = [];
  const state = { away: false };
  const recorder = createKeyUseRecorder({
    ledger: {
      async recordKeyUse(uses) {
        if (state.away) throw new Error("away");
        written.push([...uses]);
      },
    },
    clock,
    logger: createRecordingLogger(),
  });
  return { clock, written, state, recorder };
}

test("thousands of requests in half a minute are one statement with the last use of each key", async () => {
  const { clock, written, recorder } = setup();
  const start = clock.now();
  for (let count = 0; count < 1_000; count += 1) recorder.used("key_a");
  await clock.advance(10_000);
  recorder.used("key_a");
  recorder.used("key_b");
  await clock.advance(19_999);
  expect(written).toEqual([]);
  await clock.advance(1);
  const at = start + 10_000;
  expect(written).toEqual([
    [
      { keyId: "key_a", at },
      { keyId: "key_b", at },
    ],
  ]);
  await clock.advance(60_000);
  expect(written).toHaveLength(1);
});

test("what is gathered is written when the process stops, and nothing is left to do", async () => {
  const { clock, written, recorder } = setup();
  recorder.used("key_a");
  await recorder.flush();
  await recorder.flush();
  expect(written.map((uses) => uses.length)).toEqual([1]);
  expect(clock.pendingTimers()).toBe(0);
});

test("a ledger that is away costs the uses, and the next ones are written", async () => {
  const { clock, written, state, recorder } = setup();
  state.away = true;
  recorder.used("key_a");
  await clock.advance(30_000);
  state.away = false;
  recorder.used("key_b");
  await clock.advance(30_000);
  expect(written.map((uses) => uses.map(({ keyId }) => keyId))).toEqual([["key_b"]]);
});

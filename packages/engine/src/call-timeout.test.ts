import { expect, test } from "vitest";
import { callTimeoutMs, stuckAfterMs } from "./call-timeout.ts";

const job = { onMiss: "expire", deadlineAt: 3_600_000, maxOutputTokens: 100 } as const;
const target = { maxOutputTokens: 10_000 };
const fast = { latencyP95Ms: 2_000, tokensPerSecond: 50 };

test.each([
  ["600 s at most, of a target that is not known", job, undefined, 600_000],
  ["up to 10 s beyond the deadline", { ...job, deadlineAt: 20_000 }, undefined, 30_000],
  [
    "beyond its deadline when it is best effort",
    { ...job, onMiss: "best_effort", deadlineAt: 0 } as const,
    undefined,
    600_000,
  ],
  ["a minute on a fast target", job, fast, 60_000],
  ["four times the latency of a slow target", job, { latencyP95Ms: 30_000, tokensPerSecond: 50 }, 120_000],
  ["three times as long as the longest answer it allows", { ...job, maxOutputTokens: 5_000 }, fast, 300_000],
  [
    "as long as the target can answer when it states nothing",
    { ...job, maxOutputTokens: undefined },
    fast,
    600_000,
  ],
  ["600 s while no speed is known", job, { latencyP95Ms: 100 }, 600_000],
  ["up to its deadline on a fast target too", { ...job, deadlineAt: 5_000 }, fast, 15_000],
])("a call may take %s", (_, of, signals, expected) => {
  expect(callTimeoutMs(of, target, signals, 0)).toBe(expected);
});

test.each([
  ["eight seconds on a fast target", { latencyP95Ms: 300 }, 8_000],
  ["four times the latency of a slow target", { latencyP95Ms: 30_000 }, 120_000],
  ["no time at all of a target whose latency is not known", {}, undefined],
])("a call is taken to be stuck after %s", (_, signals, expected) => {
  expect(stuckAfterMs(signals)).toBe(expected);
});

import type { NextStep, Outcome } from "@sluice/domain";
import { assert, double, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, decideNextStep, freeTries, type NextStepInput } from "./index.ts";

const answer = {
  statusCode: 200,
  contentType: "application/json",
  body: Buffer.from("{}"),
  requestId: undefined,
};
const throttled = (retryAfterMs?: number): Outcome => ({
  kind: "throttled",
  statusCode: 429,
  retryAfterMs,
  latencyMs: 1,
});
const overloaded = (retryAfterMs?: number): Outcome => ({
  kind: "overloaded",
  statusCode: 503,
  retryAfterMs,
  latencyMs: 1,
});
const unreachable: Outcome = { kind: "unreachable", reason: "ECONNREFUSED", latencyMs: 1 };
const misconfigured: Outcome = { kind: "misconfigured", statusCode: 401, latencyMs: 1 };

function next(outcome: Outcome, changes: Partial<NextStepInput> = {}): NextStep {
  const retry = { maxAttempts: 5, baseMs: 500, maxMs: 60_000 };
  const input = {
    attempts: 1,
    maxAttempts: 5,
    retry,
    now: 0,
    deadlineAt: 3_600_000,
    onMiss: "expire",
    random: 0.5,
  } as const;
  return decideNextStep({ ...input, outcome, ...changes });
}

describe("decideNextStep, row by row of docs/next-steps.md", () => {
  test.each<[string, Outcome, Partial<NextStepInput>, NextStep]>([
    [
      "succeeded",
      { kind: "succeeded", answer, usage: undefined, latencyMs: 1 },
      {},
      { kind: "complete", state: "succeeded" },
    ],
    ["refused", { kind: "refused", answer, latencyMs: 1 }, {}, { kind: "complete", state: "failed" }],
    [
      "misconfigured, with another target",
      misconfigured,
      { alternatives: 1 },
      { kind: "retry", delayMs: 0, avoidTarget: true },
    ],
    ["misconfigured, alone", misconfigured, {}, { kind: "retry", delayMs: 250, avoidTarget: true }],
    [
      "unreachable as a probe that was never sent",
      unreachable,
      { probed: true },
      { kind: "snooze", delayMs: 250 },
    ],
    [
      "unreachable as a probe that was sent",
      { kind: "unreachable", reason: "ECONNRESET", latencyMs: 1, sentAfterMs: 1 },
      { probed: true },
      { kind: "retry", delayMs: 250, avoidTarget: true },
    ],
    [
      "unreachable as a probe once too often",
      unreachable,
      { probed: true, unspentTries: freeTries },
      { kind: "retry", delayMs: 250, avoidTarget: true },
    ],
    [
      "unreachable as a probe too late for the deadline",
      unreachable,
      { probed: true, deadlineAt: 100 },
      { kind: "expire" },
    ],
    ["throttled with retry-after", throttled(7_000), {}, { kind: "snooze", delayMs: 7_000 }],
    ["throttled with a retry-after of 0", throttled(0), {}, { kind: "snooze", delayMs: 500 }],
    [
      "throttled with a retry-after of an hour",
      throttled(3_600_000),
      {},
      { kind: "snooze", delayMs: 60_000 },
    ],
    ["throttled without a word", throttled(), {}, { kind: "snooze", delayMs: 250 }],
    [
      "throttled, with another target",
      throttled(7_000),
      { alternatives: 2 },
      { kind: "snooze", delayMs: 250 },
    ],
    ["throttled on the last attempt", throttled(7_000), { attempts: 5 }, { kind: "snooze", delayMs: 7_000 }],
    [
      "throttled too often",
      throttled(7_000),
      { unspentTries: freeTries },
      { kind: "retry", delayMs: 30_000, avoidTarget: true },
    ],
    [
      "throttled too often, last attempt",
      throttled(),
      { unspentTries: freeTries, attempts: 5 },
      { kind: "dead-letter", code: "attempts_exhausted" },
    ],
    ["overloaded", overloaded(), {}, { kind: "retry", delayMs: 250, avoidTarget: true }],
    [
      "overloaded with retry-after",
      overloaded(9_000),
      {},
      { kind: "retry", delayMs: 9_000, avoidTarget: true },
    ],
    ["unreachable", unreachable, {}, { kind: "retry", delayMs: 250, avoidTarget: true }],
    [
      "timed-out",
      { kind: "timed-out", phase: "headers", latencyMs: 1 },
      {},
      { kind: "retry", delayMs: 250, avoidTarget: true },
    ],
    [
      "malformed, third attempt",
      { kind: "malformed", reason: "truncated", latencyMs: 1 },
      { attempts: 3 },
      { kind: "retry", delayMs: 1_000, avoidTarget: true },
    ],
    [
      "shutdown",
      { kind: "aborted", reason: "shutdown", latencyMs: 1 },
      { attempts: 5 },
      { kind: "snooze", delayMs: 0 },
    ],
    [
      "lost lease",
      { kind: "aborted", reason: "lease-lost", latencyMs: 1 },
      {},
      { kind: "snooze", delayMs: 0 },
    ],
    ["attempts exhausted", unreachable, { attempts: 5 }, { kind: "dead-letter", code: "attempts_exhausted" }],
    [
      "a failure after some of a streamed answer",
      unreachable,
      { streamBegan: true, deadlineAt: 0 },
      { kind: "dead-letter", code: "stream_interrupted" },
    ],
    [
      "a success after some of a streamed answer",
      { kind: "succeeded", answer, usage: undefined, latencyMs: 1 },
      { streamBegan: true },
      { kind: "complete", state: "succeeded" },
    ],
    ["next try past the deadline", unreachable, { deadlineAt: 250 }, { kind: "expire" }],
    [
      "next try past the deadline, best effort",
      unreachable,
      { deadlineAt: 250, onMiss: "best_effort" },
      { kind: "retry", delayMs: 250, avoidTarget: true },
    ],
    ["snooze past the deadline", throttled(7_000), { deadlineAt: 7_000 }, { kind: "expire" }],
    [
      "success past the deadline",
      { kind: "succeeded", answer, usage: undefined, latencyMs: 1 },
      { deadlineAt: 0 },
      { kind: "complete", state: "succeeded" },
    ],
  ])("%s", (_, outcome, changes, expected) => {
    expect(next(outcome, changes)).toEqual(expected);
  });
});

test("backoffMs is a whole number within 0 and both ceilings", () => {
  const policy = { maxAttempts: 5, baseMs: 500, maxMs: 60_000 };
  assert(
    property(
      integer({ min: 1, max: 100 }),
      double({ min: 0, max: 0.999_999, noNaN: true }),
      (attempt, random) => {
        const delayMs = backoffMs(attempt, policy, random);
        expect(Number.isInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(Math.min(60_000, 500 * 2 ** (attempt - 1)));
      },
    ),
  );
  expect([1, 2, 3, 8, 60].map((attempt) => backoffMs(attempt, policy, 0.999_999))).toEqual([
    500, 1_000, 2_000, 60_000, 60_000,
  ]);
});

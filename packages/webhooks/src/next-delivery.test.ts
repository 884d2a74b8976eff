import { describe, expect, it } from "vitest";
import { decideNextDelivery, deliveryScheduleMs, nextDeliveryDelayMs } from "./next-delivery.ts";
import type { SendResult } from "./send-result.ts";

const middle = { next: () => 0.5 };
const minute = 60_000;

function rejected(status: number, retryAfterMs?: number): SendResult {
  const answer = { kind: "rejected", status, latencyMs: 1, responseSnippet: "" } as const;
  return retryAfterMs === undefined ? answer : { ...answer, retryAfterMs };
}

describe("the delivery schedule", () => {
  it("is that of Standard Webhooks: ten attempts over 75 h 35 min, then none", () => {
    const delays = Array.from({ length: 11 }, (_, made) => nextDeliveryDelayMs(made, middle));
    expect(delays).toEqual([...deliveryScheduleMs, undefined]);
    expect(deliveryScheduleMs.reduce((sum, delay) => sum + delay)).toBe((75 * 60 + 35) * minute + 5_000);
  });

  it("spreads each delay by 20 % to both sides", () => {
    expect(nextDeliveryDelayMs(2, { next: () => 0 })).toBe(4 * minute);
    expect(nextDeliveryDelayMs(2, { next: () => 0.999999999 })).toBe(6 * minute);
  });
});

describe("deciding what follows an attempt", () => {
  const decide = (result: SendResult, attemptsMade = 2) =>
    decideNextDelivery({ attemptsMade, result, random: middle });

  it("is done with a 2xx", () => {
    expect(decide({ kind: "delivered", status: 204, latencyMs: 1, responseSnippet: "" })).toEqual({
      kind: "done",
    });
  });

  it("gives up at once on 410", () => {
    expect(decide(rejected(410, 5_000))).toEqual({ kind: "give-up", reason: "gone" });
  });

  it.each([301, 400, 404, 429, 500, 503])("tries again by schedule after %i", (status) => {
    expect(decide(rejected(status))).toEqual({ kind: "retry", delayMs: 5 * minute });
  });

  it("tries again when no answer came", () => {
    expect(decide({ kind: "failed", reason: "timeout", latencyMs: 1 })).toEqual({
      kind: "retry",
      delayMs: 5 * minute,
    });
  });

  it.each([
    [1_000, 5 * minute],
    [7 * minute, 7 * minute],
    [24 * 60 * minute, 10 * minute],
  ])("keeps a Retry-After of %i ms between the scheduled delay and twice that: %i ms", (asked, delayMs) => {
    expect(decide(rejected(429, asked))).toEqual({ kind: "retry", delayMs });
  });

  it("gives up when the tenth attempt has failed", () => {
    expect(decide(rejected(500), 9)).toMatchObject({ kind: "retry" });
    expect(decide(rejected(500, 1_000), 10)).toEqual({ kind: "give-up", reason: "attempts-exhausted" });
  });
});

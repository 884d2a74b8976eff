import { describe, expect, it } from "vitest";
import { deliveryScheduleMs, nextDeliveryDelayMs } from "./next-delivery.ts";

const middle = 0.5;
const minute = 60_000;

describe("the delivery schedule", () => {
  it("is that of Standard Webhooks: ten attempts over 75 h 35 min, then none", () => {
    const delays = Array.from({ length: 11 }, (_, made) => nextDeliveryDelayMs(made, middle));
    expect(delays).toEqual([...deliveryScheduleMs, undefined]);
    expect(deliveryScheduleMs.reduce((sum, delay) => sum + delay)).toBe((75 * 60 + 35) * minute + 5_000);
  });

  it("spreads each delay by 20 % to both sides", () => {
    expect(nextDeliveryDelayMs(2, 0)).toBe(4 * minute);
    expect(nextDeliveryDelayMs(2, 0.999999999)).toBe(6 * minute);
  });

  it("gives up at once on 410, whatever the receiver asks for", () => {
    expect(nextDeliveryDelayMs(1, middle, { status: 410, retryAfterMs: 5_000 })).toBeUndefined();
  });

  it.each([301, 400, 404, 429, 500, 503])("goes on after %i", (status) => {
    expect(nextDeliveryDelayMs(2, middle, { status })).toBe(5 * minute);
  });

  it.each([
    [1_000, 5 * minute],
    [7 * minute, 7 * minute],
    [24 * 60 * minute, 10 * minute],
  ])(
    "keeps a Retry-After of %i ms between the scheduled delay and twice that: %i ms",
    (retryAfterMs, delayMs) => {
      expect(nextDeliveryDelayMs(2, middle, { status: 429, retryAfterMs })).toBe(delayMs);
    },
  );

  it("gives up after the tenth attempt even if the receiver asks for a later one", () => {
    expect(nextDeliveryDelayMs(9, middle)).toBe(24 * 60 * minute);
    expect(nextDeliveryDelayMs(10, middle, { status: 503, retryAfterMs: 1_000 })).toBeUndefined();
  });
});

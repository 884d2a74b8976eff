import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatGoDuration } from "./go-duration.ts";
import { rateLimitHeaders, retryHeaders } from "./rate-limit-headers.ts";

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

describe("Go durations", () => {
  test.each([
    [0, "0s"],
    [0.2, "1ms"],
    [12, "12ms"],
    [1000, "1s"],
    [1200, "1.2s"],
    [59_950, "59.95s"],
    [60_000, "1m0s"],
    [67_500, "1m7.5s"],
    [360_000, "6m0s"],
    [3_600_000, "1h0m0s"],
    [7_384_000, "2h3m4s"],
  ])("%d ms is written %s", (ms, text) => {
    expect(formatGoDuration(ms)).toBe(text);
  });

  test("read back to the same number of milliseconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000 }), (ms) => {
        const parts = [...formatGoDuration(ms).matchAll(/([0-9.]+)(ms|h|m|s)/g)];
        const sum = parts.reduce(
          (total, [, count, unit]) => total + Number(count) * (unitsMs[unit ?? ""] ?? Number.NaN),
          0,
        );
        expect(Math.round(sum)).toBe(ms);
      }),
    );
  });
});

describe("rate-limit headers", () => {
  const usage = { requests: 3, tokens: 150, concurrent: 1, resetMs: 59_999.5 };

  test("tell limit, remaining and reset of each limit that is set", () => {
    expect(rateLimitHeaders({ requestsPerMinute: 10, tokensPerMinute: 100, concurrency: 4 }, usage)).toEqual([
      "x-ratelimit-limit-requests",
      "10",
      "x-ratelimit-remaining-requests",
      "7",
      "x-ratelimit-reset-requests",
      "1m0s",
      "x-ratelimit-limit-tokens",
      "100",
      "x-ratelimit-remaining-tokens",
      "0",
      "x-ratelimit-reset-tokens",
      "1m0s",
    ]);
    expect(rateLimitHeaders({ requestsPerMinute: 0, tokensPerMinute: 0, concurrency: 4 }, usage)).toEqual([]);
  });

  test("round a wait up, and say when waiting is pointless", () => {
    expect(retryHeaders(1000.1)).toEqual(["retry-after", "2", "retry-after-ms", "1001"]);
    expect(retryHeaders(undefined)).toEqual(["x-should-retry", "false"]);
  });
});

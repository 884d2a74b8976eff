import { describe, expect, test } from "vitest";
import { parseRateLimits } from "./index.ts";
import { parseGoDuration } from "./parse-go-duration.ts";
import { parseRetryAfter } from "./parse-retry-after.ts";

const now = Date.UTC(2026, 10, 20, 12, 0, 0);

describe("parseGoDuration", () => {
  test.each([
    ["12ms", 12],
    ["6m0s", 360_000],
    ["1m7.5s", 67_500],
    ["2h3m4s", 7_384_000],
    ["0s", 0],
    ["250µs", 0.25],
    ["12", 12_000],
    ["1.5", 1_500],
  ])("reads %s as %d ms", (text, ms) => {
    expect(parseGoDuration(text)).toBeCloseTo(ms, 9);
  });

  test.each(["", "s", "-1s", "1x", "1m 2s", "m1", "1e3s", "soon"])("does not read %j", (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });
});

describe("parseRetryAfter", () => {
  test.each<[Record<string, string>, number | undefined]>([
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after": "0.25" }, 250],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "3600" }, 3_600_000],
    [{ "retry-after-ms": "120", "retry-after": "1" }, 120],
    [{ "x-ms-retry-after-ms": "5" }, 5],
    [{ "retry-after": "Fri, 20 Nov 2026 12:00:30 GMT" }, 30_000],
    [{ "retry-after": "Fri, 20 Nov 2026 11:00:00 GMT" }, 0],
    [{ "retry-after-ms": "garbage", "retry-after": "2" }, 2_000],
    [{ "retry-after": "garbage" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "2026-11-20" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{}, undefined],
  ])("reads %j as %s ms", (headers, ms) => {
    expect(parseRetryAfter(headers, now)).toBe(ms);
  });
});

describe("parseRateLimits", () => {
  const openai = (unit: string, limit: string, remaining: string, reset: string) => ({
    [`x-ratelimit-limit-${unit}`]: limit,
    [`x-ratelimit-remaining-${unit}`]: remaining,
    [`x-ratelimit-reset-${unit}`]: reset,
  });
  const anthropic = (unit: string, limit: string, remaining: string, reset: string) => ({
    [`anthropic-ratelimit-${unit}-limit`]: limit,
    [`anthropic-ratelimit-${unit}-remaining`]: remaining,
    [`anthropic-ratelimit-${unit}-reset`]: reset,
  });

  test("reads OpenAI's headers", () => {
    const headers = {
      ...openai("requests", "500", "499", "120ms"),
      ...openai("tokens", "200000", "0", "6m0s"),
    };
    expect(parseRateLimits(headers, now)).toEqual({
      requests: { limit: 500, remaining: 499, resetMs: 120 },
      tokens: { limit: 200_000, remaining: 0, resetMs: 360_000 },
    });
  });

  test("reads Anthropic's headers", () => {
    const headers = {
      ...anthropic("requests", "50", "49", "2026-11-20T12:00:05Z"),
      ...anthropic("tokens", "80000", "70000", "2026-11-20T11:59:00Z"),
    };
    expect(parseRateLimits(headers, now)).toEqual({
      requests: { limit: 50, remaining: 49, resetMs: 5_000 },
      tokens: { limit: 80_000, remaining: 70_000, resetMs: 0 },
    });
  });

  test.each<[string, Record<string, string>, unknown]>([
    ["nothing", {}, undefined],
    ["Azure's -1/-1/0", openai("requests", "-1", "-1", "0"), undefined],
    ["a limit of 0", openai("tokens", "0", "0", "0s"), undefined],
    ["a limit that is no number", openai("tokens", "lots", "5", "0s"), undefined],
    ["a negative rest", openai("tokens", "10", "-3", "0s"), { tokens: { limit: 10 } }],
    ["an unreadable reset", openai("tokens", "10", "3", "later"), { tokens: { limit: 10, remaining: 3 } }],
    ["only the rest", { "x-ratelimit-remaining-requests": "3" }, { requests: { remaining: 3 } }],
  ])("takes %s for what it is", (_, headers, report) => {
    expect(parseRateLimits(headers, now)).toEqual(report);
  });
});

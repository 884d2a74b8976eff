import type { LimitReading, RateLimitReport } from "@sluice/domain";
import { parseGoDuration } from "./parse-go-duration.ts";
import { headerOf, type ResponseHeaders } from "./response-headers.ts";

/**
 * What an answer's headers say about the limits of the key: OpenAI's and Groq's `x-ratelimit-*` (resets as Go
 * durations), else `anthropic-ratelimit-*` (resets as RFC 3339 moments). `undefined` when they say nothing.
 * A limit that is not positive means unknown: Azure has sent -1/-1/0. `now` is ms since 1970.
 */
export function parseRateLimits(headers: ResponseHeaders, now: number): RateLimitReport | undefined {
  const requests = readLimit(headers, "requests", now);
  const tokens = readLimit(headers, "tokens", now);
  if (requests === undefined && tokens === undefined) return undefined;
  return { ...(requests === undefined ? {} : { requests }), ...(tokens === undefined ? {} : { tokens }) };
}

function readLimit(
  headers: ResponseHeaders,
  unit: "requests" | "tokens",
  now: number,
): LimitReading | undefined {
  return (
    reading({
      limit: headerOf(headers, `x-ratelimit-limit-${unit}`),
      remaining: headerOf(headers, `x-ratelimit-remaining-${unit}`),
      resetMs: parseGoDuration(headerOf(headers, `x-ratelimit-reset-${unit}`) ?? ""),
    }) ??
    reading({
      limit: headerOf(headers, `anthropic-ratelimit-${unit}-limit`),
      remaining: headerOf(headers, `anthropic-ratelimit-${unit}-remaining`),
      resetMs: untilMoment(headerOf(headers, `anthropic-ratelimit-${unit}-reset`), now),
    })
  );
}

interface RawReading {
  readonly limit: string | undefined;
  readonly remaining: string | undefined;
  readonly resetMs: number | undefined;
}

function reading({ limit, remaining, resetMs }: RawReading): LimitReading | undefined {
  const stated = wholeNumber(limit);
  const left = wholeNumber(remaining);
  if (limit !== undefined && (stated === undefined || stated <= 0)) return undefined;
  if (left === undefined || left < 0) return stated === undefined ? undefined : { limit: stated };
  return {
    ...(stated === undefined ? {} : { limit: stated }),
    remaining: left,
    ...(resetMs === undefined ? {} : { resetMs: Math.ceil(resetMs) }),
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}(\.\d+)?$/.test(text) ? Math.floor(Number(text)) : undefined;
}

function untilMoment(text: string | undefined, now: number): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

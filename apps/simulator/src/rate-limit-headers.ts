import { formatGoDuration } from "./go-duration.ts";
import type { Limits, Usage } from "./limiter.ts";

/** A flat list of header names and values, as `writeHead` takes it. */
export type HeaderList = string[];

/** OpenAI's `x-ratelimit-*` headers for each limit that is set. */
export function rateLimitHeaders(limits: Limits, usage: Usage): HeaderList {
  const headers: HeaderList = [];
  const reset = formatGoDuration(usage.resetMs);
  const add = (unit: string, limit: number, used: number): void => {
    if (limit === 0) return;
    headers.push(`x-ratelimit-limit-${unit}`, String(limit));
    headers.push(`x-ratelimit-remaining-${unit}`, String(Math.max(0, limit - used)));
    headers.push(`x-ratelimit-reset-${unit}`, reset);
  };
  add("requests", limits.requestsPerMinute, usage.requests);
  add("tokens", limits.tokensPerMinute, usage.tokens);
  return headers;
}

/** Anthropic's `anthropic-ratelimit-*` headers for each limit that is set; `now` is ms since 1970. */
export function anthropicRateLimitHeaders(limits: Limits, usage: Usage, now: number): HeaderList {
  const headers: HeaderList = [];
  const reset = new Date(now + usage.resetMs).toISOString();
  const add = (unit: string, limit: number, used: number): void => {
    if (limit === 0) return;
    headers.push(`anthropic-ratelimit-${unit}-limit`, String(limit));
    headers.push(`anthropic-ratelimit-${unit}-remaining`, String(Math.max(0, limit - used)));
    headers.push(`anthropic-ratelimit-${unit}-reset`, reset);
  };
  add("requests", limits.requestsPerMinute, usage.requests);
  add("tokens", limits.tokensPerMinute, usage.tokens);
  return headers;
}

/** `retry-after` in whole seconds and `retry-after-ms`, both rounded up; or the word not to try again. */
export function retryHeaders(retryAfterMs: number | undefined): HeaderList {
  if (retryAfterMs === undefined) return ["x-should-retry", "false"];
  const whole = Math.ceil(retryAfterMs);
  return ["retry-after", String(Math.ceil(whole / 1000)), "retry-after-ms", String(whole)];
}

import type { RateLimitReport, Reservation, Target } from "@sluice/domain";

/** What an upstream says of one of our limits. */
export interface StatedReading {
  readonly limit: number;
  readonly remaining: number;
  /** Until it is full again. */
  readonly resetMs: number | undefined;
  /** What we had left when the call was granted. */
  readonly left: number | undefined;
}

/** What a report says of requests and of tokens; `undefined` for what it does not say or we do not limit. */
export interface Readings {
  readonly requests: StatedReading | undefined;
  readonly tokens: StatedReading | undefined;
}

/** Reads a report by our limits; `undefined` when it says nothing about any of them. */
export function readingsOf(
  { limits }: Target,
  report: RateLimitReport,
  reservation: Reservation | undefined,
): Readings | undefined {
  const requests = reading(limits.requestsPerMinute, report.requests, reservation?.left?.requests);
  const tokens = reading(limits.tokensPerMinute, report.tokens, reservation?.left?.tokens);
  return requests === undefined && tokens === undefined ? undefined : { requests, tokens };
}

function reading(
  limit: number | undefined,
  said: RateLimitReport["requests"],
  left: number | undefined,
): StatedReading | undefined {
  const remaining = said?.remaining;
  if (limit === undefined || remaining === undefined) return undefined;
  return {
    limit,
    remaining,
    resetMs: said?.resetMs === undefined ? undefined : Math.ceil(said.resetMs),
    left,
  };
}

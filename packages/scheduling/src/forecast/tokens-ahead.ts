import type { ArrivalRate, DeadlineBand } from "@sluice/domain";

/** Where a job stands among those of its effective deadline: a new one comes last, one that waits somewhere. */
export type Place = "last" | "among";

/** Tokens of a band that go before an effective deadline; inside a band they are taken for spread evenly. */
export function tokensBefore(band: DeadlineBand, deadlineAt: number, place: Place): number {
  const { earliestAt, latestAt, tokens } = band;
  if (deadlineAt < earliestAt) return 0;
  if (deadlineAt > latestAt) return tokens;
  const share = latestAt === earliestAt ? 1 : (deadlineAt - earliestAt) / (latestAt - earliestAt);
  return latestAt === earliestAt && place === "among" ? tokens / 2 : tokens * share;
}

/**
 * Tokens that come within `forMs` and go before a job with `leftMs` to its effective deadline: only what comes early
 * enough to have the earlier deadline.
 */
export function tokensOvertaking(
  arrivals: readonly ArrivalRate[],
  { leftMs, forMs }: { readonly leftMs: number; readonly forMs: number },
): number {
  return arrivals.reduce(
    (sum, rate) => sum + tokensArriving(rate, Math.min(forMs, Math.max(0, leftMs - rate.leadMs)) / 1000),
    0,
  );
}

/** For so many seconds it goes on as in the last minutes, afterwards as in the last hours. */
const steadySeconds = 300;

/** Tokens that come within `seconds`. */
export function tokensArriving(
  rate: { readonly tokensPerSecond: number; readonly usualTokensPerSecond: number },
  seconds: number,
): number {
  const steady = Math.min(seconds, steadySeconds);
  return rate.tokensPerSecond * steady + rate.usualTokensPerSecond * (seconds - steady);
}

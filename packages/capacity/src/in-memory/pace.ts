import type { WaitedLimits } from "../parking.ts";
import { windowMs } from "./common.ts";
import type { Pace, Scope, Sums } from "./state.ts";
import { windows } from "./windows.ts";

/** `pace.lua` in memory; its comments say why. */
const calmMs = 60_000;
const leadUs = 5_000_000;
const leadPerFree = 3;
const peak = 4;
const peakLeadUs = 1_000_000;
const windowUs = windowMs * 1000;

const paced = ["requests", "tokens", "input", "output"] as const;

interface Call {
  readonly requests: number;
  readonly input: number;
  readonly output: number;
}

/** The limits of a minute and what of them is used. */
interface PacedRoom {
  readonly limits: WaitedLimits;
  readonly sums: Sums;
}

export function isCalm(urgency: number, now: number): boolean {
  return urgency - now >= calmMs;
}

/** Microseconds that an amount of a limit takes. */
export function timeOf(limit: number, amount: number): number {
  return Math.floor((amount * windowUs) / Math.max(1, limit));
}

/** For how many ms a calm job must wait until a limit that is used until then lets it go, 0 or less when it need not. */
export function paceWait(limit: number, sum: number, usedUntilUs: number, now: number): number {
  const lead = Math.min(leadUs, leadPerFree * timeOf(limit, Math.max(0, limit - sum)));
  return (usedUntilUs - lead) / 1000 - now;
}

/** For how many ms a calm job must wait, 0 when it need not. */
export function pacedFor({ limits, sums }: PacedRoom, now: number): number {
  let wait = (sums.pace.peak - peakLeadUs) / 1000 - now;
  for (const { limit: name, amount } of windows) {
    const limit = limits[name];
    if (limit >= 0) wait = Math.max(wait, paceWait(limit, amount(sums), sums.pace[name], now));
  }
  return Math.max(0, Math.ceil(wait));
}

/** Uses limits for one call. */
export function advance(
  pace: Pace,
  limits: WaitedLimits,
  { input, output, now }: { input: number; output: number; now: number },
): void {
  const nowUs = now * 1000;
  const units = unitsOf({ requests: 1, input, output });
  let longest = 0;
  for (const name of paced) {
    const limit = limits[name];
    if (limit < 0) continue;
    const time = timeOf(limit, Math.min(units[name], limit));
    pace[name] = Math.max(pace[name], nowUs) + time;
    longest = Math.max(longest, time);
  }
  if (longest > 0) pace.peak = Math.max(pace.peak, nowUs) + Math.floor(longest / peak);
}

/** Corrects the pace of a scope by what a call took more (or less) in truth. */
export function correctPace({ sums }: Scope, limits: WaitedLimits, change: Call): void {
  const units = unitsOf(change);
  for (const name of paced) if (limits[name] >= 0) sums.pace[name] += timeOf(limits[name], units[name]);
}

function unitsOf({ requests, input, output }: Call) {
  return { requests, tokens: input + output, input, output };
}

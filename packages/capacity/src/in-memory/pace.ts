import type { WaitedLimits } from "../parking.ts";
import { windowMs } from "./common.ts";
import type { Pace, Scope } from "./state.ts";

/** `pace.lua` in memory; its comments say why. */
const calmMs = 60_000;
const leadUs = 5_000_000;
const idleLeadUs = 20_000_000;
const peak = 4;
const peakLeadUs = 1_000_000;
const windowUs = windowMs * 1000;

const paced = ["requests", "tokens", "input", "output"] as const;

interface Call {
  readonly requests: number;
  readonly input: number;
  readonly output: number;
}

export function isCalm(urgency: number, now: number): boolean {
  return urgency - now >= calmMs;
}

/** Microseconds that an amount of a limit takes. */
export function timeOf(limit: number, amount: number): number {
  return Math.floor((amount * windowUs) / Math.max(1, limit));
}

function latestOf({ requests, tokens, input, output }: Pace): number {
  return Math.max(requests, tokens, input, output);
}

/** How long ahead a limit may be used, and the share of time by which that shrinks. */
function leadAt({ since }: Pace, now: number): { lead: number; slope: number } {
  const passed = now * 1000 - since;
  if (passed >= windowUs) return { lead: leadUs, slope: 0 };
  const slope = (idleLeadUs - leadUs) / windowUs;
  return { lead: idleLeadUs - passed * slope, slope };
}

/** For how many ms a calm job must wait until a limit that is used until then lets it go. */
export function paceWait(pace: Pace, usedUntilUs: number, now: number): number {
  const { lead, slope } = leadAt(pace, now);
  return (usedUntilUs - lead - now * 1000) / (1 - slope) / 1000;
}

/** For how many ms a calm job must wait, 0 when it need not. */
export function pacedFor(pace: Pace, now: number): number {
  const atPeak = (pace.peak - peakLeadUs) / 1000 - now;
  return Math.max(0, Math.ceil(Math.max(atPeak, paceWait(pace, latestOf(pace), now))));
}

/** Uses limits for one call; `busy` when others wait. */
export function advance(
  pace: Pace,
  limits: WaitedLimits,
  { input, output, now, busy }: { input: number; output: number; now: number; busy: boolean },
): void {
  const nowUs = now * 1000;
  if (!busy && latestOf(pace) < nowUs) pace.since = nowUs;
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

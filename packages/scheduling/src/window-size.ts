import type { TargetLimits, TargetSignals } from "@sluice/domain";

type KnownSignals = Pick<TargetSignals, "inFlight" | "latencyMs" | "breaker" | "operated"> & {
  /** Calls at once that a target without stated limits was found to take; absent: not known. */
  readonly learnedConcurrency?: number;
};

/** What the size of a window is taken from, of each target of its set. */
export interface WindowTarget {
  readonly limits: TargetLimits;
  /** Absent while nothing is known of it. */
  readonly signals: KnownSignals | undefined;
}

/** How many jobs of a candidate set the lanes hold that do not run. */
export interface WindowSize {
  readonly places: number;
  /** Beyond those: for jobs that are more urgent than what fills the window. */
  readonly expressPlaces: number;
}

const fewest = 16;
/** Where limits of a minute count: of tenants that share few calls, each has some there when a burst is let through. */
const fewestOfLimited = 32;
const most = 1024;
/** A slot whose call ends finds the next job in the lane, and one more while the feed is late. */
const perSlot = 2.5;
/** So long nobody feeds when the leader has died: its lease must end first. */
const leaderlessSeconds = 8;
/** A call of which nothing is known yet, in seconds. */
const usualCallSeconds = 1;
/** Calls at once to a target that states no limit, at least. */
const usualSlots = 64;

/**
 * Sizes the window of a candidate set: 2.5 jobs for each call that its targets take at once, or what they start in 8 s
 * if that is more, from 16 (32 where limits of a minute count) to 1024. Calls at once follow from the limits of a minute by Little's law. `tokensPerJob`
 * is the mean of what the set's jobs are charged. Targets that take nothing now do not count.
 */
export function windowSize(targets: readonly WindowTarget[], tokensPerJob: number): WindowSize {
  const paces = targets
    .filter(({ signals }) => isOpen(signals))
    .map((target) => paceOf(target, tokensPerJob));
  const slots = paces.reduce((sum, pace) => sum + pace.slots, 0);
  const startsPerSecond = paces.reduce((sum, pace) => sum + pace.startsPerSecond, 0);
  const wanted = Math.ceil(Math.max(perSlot * slots, leaderlessSeconds * startsPerSecond));
  const least = paces.some(({ isLimited }) => isLimited) ? fewestOfLimited : fewest;
  const places = Math.min(most, Math.max(least, wanted));
  return { places, expressPlaces: Math.ceil(places / 2) };
}

function isOpen(signals: WindowTarget["signals"]): boolean {
  return signals?.operated === undefined && signals?.breaker !== "open";
}

/** Calls that a target takes at once and starts per second, as far as its limits and its latency say. */
export function paceOf({ limits, signals }: WindowTarget, tokensPerJob: number) {
  const callSeconds = (signals?.latencyMs ?? usualCallSeconds * 1000) / 1000;
  const allowed = perMinute(limits, tokensPerJob) / 60;
  const known = limits.concurrency ?? signals?.learnedConcurrency;
  const unlimited = known === undefined && allowed === Number.POSITIVE_INFINITY;
  const atOnce = unlimited ? Math.max(usualSlots, 2 * (signals?.inFlight ?? 0)) : known;
  const slots = Math.min(atOnce ?? Number.POSITIVE_INFINITY, allowed * callSeconds);
  const isLimited = allowed < Number.POSITIVE_INFINITY;
  return { slots, isLimited, startsPerSecond: Math.min(allowed, slots / callSeconds) };
}

/** Calls that the limits of a minute allow; infinite without any. */
function perMinute(limits: TargetLimits, tokensPerJob: number): number {
  const none = Number.POSITIVE_INFINITY;
  const { requestsPerMinute = none, tokensPerMinute = none } = limits;
  const { inputTokensPerMinute = none, outputTokensPerMinute = none } = limits;
  const tokens = Math.min(tokensPerMinute, inputTokensPerMinute + outputTokensPerMinute);
  return Math.min(requestsPerMinute, tokens / Math.max(1, tokensPerJob));
}

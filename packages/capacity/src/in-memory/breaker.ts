import type { BreakerPhase } from "@sluice/domain";
import type { Breaker, Bucket, Scope, Step } from "./state.ts";

/** `breaker.lua` in memory; its comments say why. */
const bucketMs = 5_000;
const bucketCount = 6;
const leastCalls = 10;
const openShare = 0.5;
const connectionFailures = 5;
const failuresInARow = 15;
const shortestOpenMs = 5_000;
const longestOpenMs = 60_000;
const slowStartMs = 30_000;
const slowStartShare = 0.1;
const leastBase = 10;
export const patienceMs = 1_000;
const probeWaitMs = 500;
const probeMs = 15_000;
const silentCalls = 3;
const silentMs = 5_000;
const silentLatencies = 5;
const silentColdMs = 60_000;

export function phaseOf({ isOpen, untilAt }: Breaker, now: number): BreakerPhase {
  if (!isOpen) return "closed";
  return now < untilAt ? "open" : "half-open";
}

/** For how many ms a call must wait for the breaker, `undefined` when it need not. */
export function breakerWait(breaker: Breaker, now: number, isCalm: boolean): number | undefined {
  const phase = phaseOf(breaker, now);
  if (phase === "closed") return undefined;
  if (phase === "open") return breaker.untilAt - now;
  if (breaker.probeAt !== undefined && now < breaker.probeAt + probeMs) return probeWaitMs;
  if (isCalm) return undefined;
  if (breaker.askedAt === undefined) {
    breaker.askedAt = now;
    return patienceMs;
  }
  const left = breaker.askedAt + patienceMs - now;
  return left > 0 ? left : undefined;
}

/** Makes a granted call the probe of a half-open breaker. The name of the opening, 0 for any other call. */
export function takeProbe(breaker: Breaker, now: number): number {
  if (phaseOf(breaker, now) !== "half-open") return 0;
  breaker.probeAt = now;
  breaker.askedAt = undefined;
  return breaker.untilAt;
}

/** Ends a probe without an answer. */
export function dropProbe(breaker: Breaker, probe: number): void {
  if (probe !== 0 && breaker.untilAt === probe) breaker.probeAt = undefined;
}

/** How many calls slow start allows at once, `undefined` when it is over. `limit` is the stated concurrency or -1. */
export function slowStartPlaces(breaker: Breaker, now: number, limit: number): number | undefined {
  if (breaker.isOpen || breaker.closedAt === undefined) return undefined;
  const elapsed = now - breaker.closedAt;
  if (elapsed >= slowStartMs) return undefined;
  const base = limit >= 0 ? limit : Math.max(leastBase, breaker.base);
  const ramp = slowStartShare + ((1 - slowStartShare) * elapsed) / slowStartMs;
  return Math.max(1, Math.floor(base * ramp));
}

function forgetCounts(breaker: Breaker): void {
  breaker.buckets.length = 0;
  breaker.probeAt = undefined;
  breaker.askedAt = undefined;
  breaker.fails = 0;
  breaker.silentSince = undefined;
  breaker.row = 0;
}

function openBreaker({ breaker, sums }: Scope, now: number): void {
  const isSlow = breaker.closedAt !== undefined && now < breaker.closedAt + slowStartMs;
  const again = phaseOf(breaker, now) === "half-open" || isSlow;
  breaker.opens = again ? breaker.opens + 1 : 1;
  if (!again) breaker.base = sums.inFlight;
  const openMs = Math.min(longestOpenMs, shortestOpenMs * 2 ** (breaker.opens - 1));
  forgetCounts(breaker);
  breaker.isOpen = true;
  breaker.untilAt = Math.max(now + openMs, breaker.retryAt);
}

/** Opens a closed breaker whose target has been silent for too long. */
export function openIfSilent(scope: Scope, now: number): void {
  const { breaker, sums } = scope;
  if (breaker.isOpen || sums.inFlight < silentCalls || breaker.silentSince === undefined) return;
  const latency = usualLatency(scope);
  const patience = latency === undefined ? silentColdMs : Math.max(silentMs, silentLatencies * latency);
  if (now - breaker.silentSince > patience) openBreaker(scope, now);
}

/** The mean latency of a target's good calls in ms; `undefined` before the first. */
export function usualLatency({ seen }: Scope): number | undefined {
  return seen.latencyWeight > 0 ? seen.latencySum / seen.latencyWeight : undefined;
}

/** Notes that a call was granted while `inFlight` were under way. */
export function noteCall(breaker: Breaker, now: number, inFlight: number): void {
  if (inFlight === 0 || breaker.silentSince === undefined) breaker.silentSince = now;
}

function closeBreaker(breaker: Breaker, now: number): void {
  forgetCounts(breaker);
  breaker.isOpen = false;
  breaker.untilAt = 0;
  breaker.retryAt = 0;
  breaker.closedAt = now;
}

/** Counts one call and says whether too many of the last 30 s have failed. */
function countCall(buckets: Bucket[], now: number, failed: boolean): boolean {
  const current = Math.floor(now / bucketMs);
  while ((buckets[0]?.bucket ?? current) <= current - bucketCount) buckets.shift();
  let last = buckets.at(-1);
  if (last?.bucket !== current) {
    last = { bucket: current, good: 0, failed: 0 };
    buckets.push(last);
  }
  if (failed) last.failed += 1;
  else last.good += 1;
  const failedCalls = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  const calls = buckets.reduce((sum, bucket) => sum + bucket.good, failedCalls);
  return calls >= leastCalls && failedCalls >= openShare * calls;
}

/** What a call says of its target's health. */
export interface Verdict {
  readonly health: "good" | "failing" | "unreachable" | undefined;
  /** The opening of the breaker that it probes, or 0. */
  readonly probe: number;
  /** How long the upstream asked to be left alone. */
  readonly retryMs: number;
}

/** Feeds the breaker with how a call went. */
export function feedBreaker({ now }: Step, scope: Scope, { health, probe, retryMs }: Verdict): void {
  const { breaker, sums } = scope;
  breaker.silentSince = sums.inFlight > 0 ? now : undefined;
  const failed = health === "failing" || health === "unreachable";
  if (failed && retryMs > 0)
    breaker.retryAt = Math.max(breaker.retryAt, now + Math.min(retryMs, longestOpenMs));
  if (breaker.isOpen) {
    if (probe === 0 || probe !== breaker.untilAt) return;
    if (failed) openBreaker(scope, now);
    else if (health === "good") closeBreaker(breaker, now);
    else dropProbe(breaker, probe);
    return;
  }
  if (health === undefined) return;
  breaker.fails = health === "unreachable" ? breaker.fails + 1 : 0;
  breaker.row = failed ? breaker.row + 1 : 0;
  const tooMany = countCall(breaker.buckets, now, failed);
  if (tooMany || breaker.fails >= connectionFailures || breaker.row >= failuresInARow)
    openBreaker(scope, now);
}

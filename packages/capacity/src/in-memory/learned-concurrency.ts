import type { LearnedConcurrency, RoundOfCalls, Scope } from "./state.ts";

/** `learned-concurrency.lua` in memory; its comments say why. */
const start = 8;
const startRated = 64;
const most = 1_000;
const least = 2;
const growth = 1.5;
const shrink = 0.7;
const holdRise = 2;
const fallRise = 3;
const fallShare = 0.25;
const [holdMs, holdLatencies] = [60_000, 30];
const gapMs = 100;
const unitsBesideOutput = 50;
const [roundLeast, roundMost] = [5, 50];
const usedShare = 0.8;
const usedHalf = 0.5;
const topMs = 60_000;
const topShare = 0.95;

/** How many calls at once go well, as a whole number; begins to learn when nothing is known yet. */
export function learnedPlaces(scope: Scope, isRated: boolean): number {
  scope.learnedConcurrency ??= {
    limit: isRated ? startRated : start,
    slowFrom: Number.POSITIVE_INFINITY,
    latency: undefined,
    heldAt: undefined,
    backAt: 0,
    top: undefined,
    round: undefined,
  };
  return Math.floor(scope.learnedConcurrency.limit);
}

function beginRound(now: number): RoundOfCalls {
  return { calls: 0, ms: 0, units: 0, peak: 0, since: now };
}

function fall(learned: LearnedConcurrency, now: number, share: number): void {
  learned.limit = Math.max(least, learned.limit * share);
  learned.backAt = now;
  learned.heldAt = undefined;
  learned.round = beginRound(now);
}

function mostNow({ top }: LearnedConcurrency, now: number): number {
  if (top === undefined || now >= top.at + topMs) return most;
  return Math.max(least, Math.min(most, top.limit * topShare));
}

function grow(learned: LearnedConcurrency, peak: number, now: number): void {
  const { limit, slowFrom } = learned;
  learned.heldAt = undefined;
  if (peak < usedShare * Math.floor(limit)) return;
  const next = limit < slowFrom ? Math.min(slowFrom, limit * growth) : limit + Math.max(1, Math.sqrt(limit));
  learned.limit = Math.max(limit, Math.min(mostNow(learned, now), next));
}

function hold(learned: LearnedConcurrency, now: number, rise: number, latencyMs: number): void {
  learned.heldAt ??= now;
  const heldForMs = now - learned.heldAt;
  if (rise <= fallRise && heldForMs < Math.max(holdMs, holdLatencies * latencyMs)) return;
  learned.slowFrom = learned.limit / 2;
  fall(learned, now, fallShare);
  learned.latency = undefined;
}

function endRound(learned: LearnedConcurrency, { calls, ms, units, peak }: RoundOfCalls, now: number): void {
  const [mean, latencyMs] = [ms / units, ms / calls];
  const latency = { base: learned.latency?.base ?? mean, now: ((learned.latency?.now ?? mean) + mean) / 2 };
  learned.latency = latency;
  const rise = latency.now / latency.base;
  if (rise > holdRise && latencyMs * (1 - 1 / rise) > gapMs) hold(learned, now, rise, latencyMs);
  else {
    latency.base = Math.min(latency.base, 0.9 * latency.base + 0.1 * mean);
    grow(learned, peak, now);
  }
  learned.round = beginRound(now);
}

/** How a call went. */
export interface LearnedCall {
  readonly isGood: boolean;
  readonly isOverloaded: boolean;
  readonly latencyMs: number;
  readonly outputTokens: number;
}

/** Feeds it with how a call went; whether it has grown. */
export function feedLearned(
  { learnedConcurrency: learned, sums }: Scope,
  now: number,
  call: LearnedCall,
): boolean {
  if (!(call.isGood || call.isOverloaded)) return false;
  if (learned === undefined || now - call.latencyMs < learned.backAt) return false;
  const [before, inFlight] = [Math.floor(learned.limit), sums.inFlight + 1];
  if (call.isOverloaded) {
    if (inFlight < usedHalf * learned.limit) return false;
    learned.top = { limit: Math.min(learned.limit, inFlight), at: now };
    fall(learned, now, shrink);
    learned.slowFrom = learned.limit;
    return false;
  }
  learned.round ??= beginRound(now);
  const { round } = learned;
  round.calls += 1;
  round.ms += call.latencyMs;
  round.units += call.outputTokens + unitsBesideOutput;
  round.peak = Math.max(round.peak, inFlight);
  const enough = Math.min(roundMost, Math.max(roundLeast, before));
  if (round.calls >= enough && now - round.since >= round.ms / round.calls) endRound(learned, round, now);
  return Math.floor(learned.limit) > before;
}

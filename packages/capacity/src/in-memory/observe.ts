import type { CallSample } from "@sluice/domain";
import { microUsd, whole } from "../amounts.ts";
import { feedBreaker } from "./breaker.ts";
import { fadeAfter } from "./common.ts";
import { scopeOf } from "./create-state.ts";
import { countSpend, countTime } from "./histogram.ts";
import { feedLearned, type LearnedCall } from "./learned-concurrency.ts";
import type { Scope, Seen, Step } from "./state.ts";
import { wakeWaiters } from "./waiters.ts";

/** `observe.lua` in memory. */
export function observe(step: Step, targetId: string, sample: CallSample): void {
  const scope = scopeOf(step.state.targets, targetId);
  const probe = sample.reservation?.probe ?? 0;
  feedBreaker(step, scope, { health: sample.health, probe, retryMs: whole(sample.retryAfterMs ?? 0) });
  countSpend(scope, step.now, microUsd(sample.costUsd ?? 0));
  const hasGrown = feedLearned(scope, step.now, learnedCall(sample));
  if (hasGrown || probe !== 0) wakeWaiters(step, scope);
  if (sample.ok === undefined) return;
  fade(scope.seen, step.now);
  if (sample.ok) countGood(scope, step.now, sample);
  else scope.seen.errorSum += 1;
  scope.seen.errorWeight += 1;
}

function learnedCall({ ok, isOverloaded = false, latencyMs, outputTokens }: CallSample): LearnedCall {
  return { isGood: ok === true, isOverloaded, latencyMs, outputTokens: whole(outputTokens ?? 0) };
}

function fade(seen: Seen, now: number): void {
  const left = fadeAfter(now - (seen.at ?? now));
  seen.at = now;
  seen.latencySum *= left;
  seen.latencyWeight *= left;
  seen.errorSum *= left;
  seen.errorWeight *= left;
  seen.tokens *= left;
  seen.tokenMs *= left;
}

function countGood(scope: Scope, now: number, { latencyMs, outputTokens, firstTokenMs }: CallSample): void {
  const { seen } = scope;
  seen.latencySum += latencyMs;
  seen.latencyWeight += 1;
  countTime(scope.latencies, now, latencyMs);
  if (firstTokenMs !== undefined) countTime(scope.firstTokens, now, firstTokenMs);
  const output = whole(outputTokens ?? 0);
  if (output <= 0) return;
  seen.tokens += output;
  seen.tokenMs += latencyMs;
}

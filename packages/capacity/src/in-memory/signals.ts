import type { TargetState } from "../read-signals.ts";
import { phaseOf } from "./breaker.ts";
import { fadeAfter, prune } from "./common.ts";
import { scopeOf } from "./create-state.ts";
import { readSpend, readTimes } from "./histogram.ts";
import { sweep } from "./leases.ts";
import type { Step } from "./state.ts";

/** `signals.lua` in memory. */
export function signals(step: Step, targetId: string): TargetState {
  const { now } = step;
  const scope = scopeOf(step.state.targets, targetId);
  sweep(step);
  prune(scope, now);
  const { sums, seen, learned, breaker } = scope;
  const fade = fadeAfter(now - (seen.at ?? now));
  const phase = phaseOf(breaker, now);
  return {
    requests: sums.requests,
    inputTokens: sums.input,
    outputTokens: sums.output,
    otherTokens: sums.other,
    inFlight: sums.inFlight,
    inFlightTokens: sums.inFlightTokens,
    pauseLeftMs: Math.max(0, scope.pausedUntil - now),
    latencySum: seen.latencySum,
    latencyWeight: seen.latencyWeight,
    errorSum: seen.errorSum * fade,
    errorWeight: seen.errorWeight * fade,
    answers: learned.answers,
    outputMean: learned.output.mean,
    outputVariance: learned.output.variance,
    speedTokens: seen.tokens,
    speedMs: seen.tokenMs,
    breaker: phase,
    reopensInMs: phase === "open" ? breaker.untilAt - now : 0,
    operated: breaker.operated ?? "",
    pauseReason: scope.pauseReason,
    spentMicroUsd: readSpend(scope, now),
    weight: breaker.weight,
    learnedConcurrency: scope.learnedConcurrency?.limit,
    latencies: readTimes(scope.latencies, now),
    firstTokens: readTimes(scope.firstTokens, now),
  };
}

import type { BreakerPhase, TargetLimits, TargetSignals } from "@sluice/domain";
import { latencyPercentile } from "./latency-percentile.ts";

/** What `signals.lua` returns. */
export interface TargetState {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly otherTokens: number;
  readonly inFlight: number;
  readonly inFlightTokens: number;
  readonly pauseLeftMs: number;
  readonly latencySum: number;
  readonly latencyWeight: number;
  readonly errorSum: number;
  readonly errorWeight: number;
  readonly answers: number;
  readonly outputMean: number;
  readonly outputVariance: number;
  readonly speedTokens: number;
  readonly speedMs: number;
  readonly breaker: BreakerPhase;
  readonly reopensInMs: number;
  readonly operated: string;
  readonly pauseReason: string;
  readonly spentMicroUsd: number;
  /** That an operator gave. */
  readonly weight: number | undefined;
  /** Calls at once, with a fraction; `undefined` before the first reservation without a stated concurrency. */
  readonly learnedConcurrency: number | undefined;
  /** Bucket and calls in it, alternating. */
  readonly latencies: readonly number[];
  /** The same of the times to the first part of streamed answers. */
  readonly firstTokens: readonly number[];
}

/** One good answer that was never given stands against the failures, so that a single one is not a rate of 1. */
const errorPrior = 1;

/** Below this weight a mean has faded away. */
const leastWeight = 1e-9;

/** Turns the state of a target into what decisions read. `now` is the caller's, in ms since 1970. */
export function readSignals(state: TargetState, limits: TargetLimits, now: number): TargetSignals {
  const tokens = state.inputTokens + state.outputTokens + state.otherTokens;
  const learned = limits.concurrency === undefined ? state.learnedConcurrency : undefined;
  const learnedConcurrency = learned && Math.floor(learned);
  return {
    inFlight: state.inFlight,
    inFlightTokens: state.inFlightTokens,
    requestsUsed: share(state.requests, limits.requestsPerMinute),
    tokensUsed: Math.max(
      share(tokens, limits.tokensPerMinute),
      share(state.inputTokens, limits.inputTokensPerMinute),
      share(state.outputTokens, limits.outputTokensPerMinute),
    ),
    concurrencyUsed: share(state.inFlight, limits.concurrency ?? learnedConcurrency),
    ...(learnedConcurrency === undefined ? {} : { learnedConcurrency }),
    latencyMs: state.latencyWeight < leastWeight ? undefined : state.latencySum / state.latencyWeight,
    errorRate: state.errorSum / (state.errorWeight + errorPrior),
    pausedUntil: state.pauseLeftMs > 0 ? now + state.pauseLeftMs : 0,
    ...(state.answers === 0
      ? {}
      : { expectedOutputTokens: Math.ceil(state.outputMean + Math.sqrt(state.outputVariance)) }),
    ...speeds(state),
    breaker: state.breaker,
    ...(state.breaker === "open" ? { reopensAt: now + state.reopensInMs } : {}),
    ...(state.operated === "" ? {} : { operated: state.operated as "paused" | "draining" }),
    ...(state.weight === undefined ? {} : { weight: state.weight }),
    ...(state.pauseLeftMs > 0 && state.pauseReason !== "" ? { pauseReason: state.pauseReason } : {}),
    ...(state.spentMicroUsd === 0 ? {} : { spentTodayUsd: state.spentMicroUsd / 1_000_000 }),
  };
}

function speeds({ latencies, firstTokens, speedTokens, speedMs }: TargetState): Partial<TargetSignals> {
  const latencyP50Ms = latencyPercentile(latencies, 0.5);
  const latencyP95Ms = latencyPercentile(latencies, 0.95);
  const firstTokenP50Ms = latencyPercentile(firstTokens, 0.5);
  const firstTokenP95Ms = latencyPercentile(firstTokens, 0.95);
  return {
    ...(latencyP50Ms === undefined || latencyP95Ms === undefined ? {} : { latencyP50Ms, latencyP95Ms }),
    ...(firstTokenP50Ms === undefined || firstTokenP95Ms === undefined
      ? {}
      : { firstTokenP50Ms, firstTokenP95Ms }),
    ...(speedMs < leastWeight ? {} : { tokensPerSecond: speedTokens / (speedMs / 1_000) }),
  };
}

/** Reads the reply of `signals.lua`. */
export function readState(reply: unknown): TargetState {
  if (!Array.isArray(reply)) throw new TypeError("the signals script answered no list");
  const at = (place: number): number => Number(reply[place]);
  return {
    requests: at(0),
    inputTokens: at(1),
    outputTokens: at(2),
    otherTokens: at(3),
    inFlight: at(4),
    pauseLeftMs: at(5),
    latencySum: at(6),
    latencyWeight: at(7),
    errorSum: at(8),
    errorWeight: at(9),
    answers: at(10),
    outputMean: at(11),
    outputVariance: at(12),
    speedTokens: at(13),
    speedMs: at(14),
    breaker: String(reply[15]) as BreakerPhase,
    reopensInMs: at(16),
    operated: String(reply[17]),
    pauseReason: String(reply[18]),
    spentMicroUsd: at(19),
    weight: reply[20] === "" ? undefined : at(20),
    learnedConcurrency: reply[21] === "" ? undefined : at(21),
    inFlightTokens: at(22),
    latencies: bucketsOf(reply[23]),
    firstTokens: bucketsOf(reply[24]),
  };
}

function bucketsOf(list: unknown): number[] {
  return Array.isArray(list) ? list.map(Number) : [];
}

function share(used: number, limit: number | undefined): number {
  return limit === undefined ? 0 : Math.min(1, used / limit);
}

import type { Metadata, RoutingWishes } from "./job.ts";

/** What a decision reads of a job. */
export interface RouteRequest {
  readonly jobId: string;
  readonly endpoint: string;
  readonly model: string;
  readonly tenant: string;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | undefined;
  readonly capabilities: readonly string[];
  readonly wishes: RoutingWishes;
  readonly sla: string;
  readonly priority: number;
  readonly metadata: Metadata;
  /** 1 for the first. */
  readonly attempt: number;
  readonly deadlineAt: number;
  /** The parsed body, when a rule or a translation needs it (see `readsRequest` of routing). */
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  /** Targets that failed this job, oldest first. */
  readonly failedTargets: readonly string[];
}

/** Whether a target is called: `open` not at all, `half-open` one call at a time to see whether it is back. */
export type BreakerPhase = "closed" | "open" | "half-open";

/** What an engine of our own says of its load; what it does not say is absent. */
export interface EngineLoad {
  /** Requests in its queue. */
  readonly waiting?: number;
  /** Requests being served. */
  readonly running?: number;
  /** Shares, 0..1. */
  readonly kvCacheUsage?: number;
  readonly gpuUtilisation?: number;
  readonly gpuMemoryUsed?: number;
  /** When it was read (ms since 1970); 0: never yet. */
  readonly scrapedAt: number;
}

/** What the checks of a provider's health have come to, as one process sees it. */
export interface ProviderHealth {
  /** Whether it may take jobs: from the first check that passes until several in a row fail, and again after several pass. */
  readonly ok: boolean;
  /** When the last check ended (ms since 1970); 0: none has yet. */
  readonly checkedAt: number;
  /** When one last passed; 0: none has yet. */
  readonly passedAt: number;
  /** The last checks in a row that failed, or that passed: one of the two is 0. */
  readonly failures: number;
  readonly passes: number;
}

/** Read-only snapshot of one target at the moment of a decision. */
export interface TargetSignals {
  readonly inFlight: number;
  /** Tokens reserved for the calls in flight; absent: not known. */
  readonly inFlightTokens?: number;
  /** Share of each stated limit that is used, 0..1. */
  readonly requestsUsed: number;
  readonly tokensUsed: number;
  readonly concurrencyUsed: number;
  /** Calls at once that go well, as learned where no concurrency is stated; absent: stated, or nothing learned yet. */
  readonly learnedConcurrency?: number;
  /** EWMA of the total latency; `undefined` before the first answer. */
  readonly latencyMs: number | undefined;
  /** EWMA of failures, 0..1. */
  readonly errorRate: number;
  /** Paused until this moment (ms since 1970), 0 when not. */
  readonly pausedUntil: number;
  /** Output tokens to expect of one request (mean and a margin); `undefined` before the first answer. */
  readonly expectedOutputTokens?: number;
  /** Percentiles of the total latency of good calls of the last one to two minutes; absent without any. */
  readonly latencyP50Ms?: number;
  readonly latencyP95Ms?: number;
  /** The same of the time to the first part of a streamed answer; absent without any. */
  readonly firstTokenP50Ms?: number;
  readonly firstTokenP95Ms?: number;
  /** Output tokens a second of one call; absent before the first answer. */
  readonly tokensPerSecond?: number;
  /** Absent: closed. */
  readonly breaker?: BreakerPhase;
  /** When an open breaker lets the first probe through (ms since 1970). */
  readonly reopensAt?: number;
  /** An operator has taken it out; absent: not. */
  readonly operated?: "paused" | "draining";
  /** The weight that an operator gave it; absent: the configured one holds. */
  readonly weight?: number;
  /** Why `pausedUntil` lies ahead. */
  readonly pauseReason?: string;
  /** Cost of the calls settled since midnight UTC, as far as Redis has not lost it; absent: none. */
  readonly spentTodayUsd?: number;
  /** Absent for a target without an engine whose metrics are read. */
  readonly engine?: EngineLoad;
  /** Absent for a target whose provider's health is not checked. */
  readonly health?: ProviderHealth;
}

export type Signals = Readonly<Record<string, TargetSignals>>;

/** One candidate in a decision, with why it was dropped or how it scored. */
export interface RouteCandidate {
  readonly target: string;
  readonly pool: string;
  readonly version?: string;
  readonly dropped?: { readonly filter: string; readonly reason: string };
  /** The endpoint it would be called at, its request and answer translated; absent where it serves the job's own. */
  readonly translated?: string;
  readonly scores?: Readonly<Record<string, number>>;
  readonly total?: number;
  /** Share of the pool's jobs by weight, 0..1; absent unless an operator has given weights in the pool. */
  readonly share?: number;
}

/** What a rule of the model's said of the job. Rules after the first that matched are not asked. */
export interface RouteRule {
  /** 0-based place in `models.*.rules`. */
  readonly index: number;
  readonly matched: boolean;
  /** Why it could not be evaluated; holds no content of the request. */
  readonly error?: string;
}

/** A decision: job → target, with everything that explains it. */
export interface Route {
  readonly chosen: string | undefined;
  /** Order in which to try targets: best first. */
  readonly order: readonly string[];
  readonly candidates: readonly RouteCandidate[];
  readonly picker: string;
  /** Probability with which the picker chose this target. */
  readonly propensity: number;
  readonly policy: string;
  readonly configHash: string;
  readonly decidedAt: number;
  /** The draw in [0, 1) that a picker by chance used; with it the decision can be run again. */
  readonly random?: number;
  /** The number that a picker which goes round used. */
  readonly turn?: number;
  readonly attempt?: number;
  readonly failedTargets?: readonly string[];
  /** Absent when the model has no rules. */
  readonly rules?: readonly RouteRule[];
  readonly signals: Signals;
  /** Targets of `order` that had no room when the worker asked, before the one that had. */
  readonly heldBack?: readonly { readonly target: string; readonly limit: string; readonly waitMs: number }[];
}

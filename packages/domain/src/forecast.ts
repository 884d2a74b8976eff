import type { TenantId } from "./ids.ts";
import type { KeptEstimate } from "./job.ts";

/** Jobs of one flow that wait, between two effective deadlines (both included). */
export interface DeadlineBand {
  readonly earliestAt: number;
  readonly latestAt: number;
  /** What they are charged. */
  readonly tokens: number;
}

/** What keeps coming with about this much time to its effective deadline. */
export interface ArrivalRate {
  readonly leadMs: number;
  /** In the last minutes, and in the last hours. */
  readonly tokensPerSecond: number;
  readonly usualTokensPerSecond: number;
}

/** One tenant's jobs of a candidate set. */
export interface BacklogFlow {
  readonly tenantId: TenantId;
  readonly bands: readonly DeadlineBand[];
  readonly arrivals: readonly ArrivalRate[];
}

/** What waits for the targets of a candidate set. */
export interface SetBacklog {
  readonly candidateSet: string;
  readonly targets: readonly string[];
  readonly flows: readonly BacklogFlow[];
}

/** How fast a target takes work. */
export interface TargetPace {
  /** Of charged tokens, while there is always work. */
  readonly tokensPerSecond: number;
  /** Of a usual call; absent while nothing is known. */
  readonly latencyMs?: number;
  /** It takes nothing now. */
  readonly isClosed?: true;
  /** Until this moment, if it is known. */
  readonly opensAt?: number;
}

/** What predictions are multiplied with to be as often too late as too early, and too early in 5 of 100 cases. */
export interface Correction {
  readonly p50: number;
  readonly p95: number;
}

/** How predictions of late have been kept. */
export interface EstimateRecord {
  readonly finished: number;
  readonly byP50: number;
  readonly byP95: number;
}

/** All that a prediction is made from: the leading dispatcher publishes it, other processes read it. */
export interface ForecastSnapshot {
  /** Snapshots of another version are not read. */
  readonly version: 1;
  readonly takenAt: number;
  /** For so long the leader has watched what keeps coming; absent in the snapshots of old versions. */
  readonly watchedMs?: number;
  readonly targets: Readonly<Record<string, TargetPace>>;
  readonly sets: readonly SetBacklog[];
  /** By horizon, lead and set, or by horizon and lead alone. */
  readonly corrections: Readonly<Record<string, Correction>>;
  /** By model. */
  readonly records: Readonly<Record<string, EstimateRecord>>;
  /** Unfinished jobs, and how many end per second. */
  readonly jobs: number;
  readonly jobsPerSecond: number;
  /** Charged tokens of unfinished jobs, those that run apart. */
  readonly tenants: Readonly<
    Record<string, { readonly waitingTokens: number; readonly runningTokens: number }>
  >;
}

/** Live jobs of one candidate set and tenant. */
export interface BacklogSum {
  readonly candidateSet: string;
  readonly tenantId: TenantId;
  /** Those that run are of no band. */
  readonly state: "waiting" | "running";
  readonly earliestAt: number;
  readonly latestAt: number;
  readonly jobs: number;
  readonly tokens: number;
  /** Those of them that a full target has refused. */
  readonly parked: number;
}

/** Unfinished jobs whose p95 has passed since the reading before. */
export interface OverdueSum {
  readonly candidateSet: string;
  /** What was predicted of them, at least. */
  readonly waitMs: number;
  /** From their acceptance to their effective deadlines, at least. */
  readonly leadMs: number;
  readonly jobs: number;
}

export interface BacklogReading {
  readonly sums: readonly BacklogSum[];
  readonly overdue: readonly OverdueSum[];
}

/** Jobs that a target has ended. */
export interface ServedSum {
  readonly targetId: string;
  readonly jobs: number;
  readonly tokens: number;
}

/** Jobs that were accepted with about the same time to their effective deadlines. */
export interface ArrivalSum {
  readonly candidateSet: string;
  readonly tenantId: TenantId;
  /** Mean, by tokens. */
  readonly leadMs: number;
  readonly tokens: number;
}

/** A job that ended, with what had been predicted of it. */
export interface KeptPromise {
  readonly candidateSet: string;
  readonly model: string;
  readonly acceptedAt: number;
  /** From acceptance to the effective deadline. */
  readonly leadMs: number;
  readonly finishedAt: number;
  readonly estimate: KeptEstimate;
}

/** What one process has seen in about a second. */
export interface ForecastReport {
  readonly served: readonly ServedSum[];
  readonly arrivals: readonly ArrivalSum[];
  readonly finished: readonly KeptPromise[];
}

import type { DeliveryId, JobId, TenantId, WorkerId } from "../ids.ts";
import type {
  JobFailure,
  JobResult,
  JobSpec,
  JobState,
  ResponseEnding,
  TerminalJobState,
  Usage,
} from "../job.ts";
import type { OutcomeKind } from "../outcome.ts";
import type { Route } from "../route.ts";
import type { EventIds } from "./ledger.ts";

/** A job with what a worker must know to run it. */
export interface JobToRun extends JobSpec {
  readonly state: JobState;
  readonly epoch: number;
  readonly attempts: number;
  readonly failedTargets: readonly string[];
  /** Whether the worker of a running attempt still holds its lease. */
  readonly ownerAlive: boolean;
  readonly notBeforeAt: number | undefined;
  /** `max_spend_usd` of its batch. */
  readonly maxSpendUsd?: number | undefined;
  /** What its key may spend a day, where that is not left to the configuration. */
  readonly keyUsdPerDay?: number | undefined;
  /** The limit that it is held for; then `notBeforeAt` is when it looks by itself, and it may run before. */
  readonly waitingFor: string | undefined;
  /** Whether an attempt has committed events of its stream: a client may have them, so that no other may begin anew. */
  readonly streamBegan?: boolean;
}

/** A job that is held for room. */
export interface HeldJob {
  readonly jobId: JobId;
  /** Epoch that was loaded. */
  readonly epoch: number;
  /** When it looks again by itself. */
  readonly notBeforeAt: number;
  /** Name of the limit in its way. */
  readonly waitingFor: string;
}

export interface StartAttempt {
  readonly jobId: JobId;
  /** Epoch that was loaded; the attempt gets the next one. */
  readonly fromEpoch: number;
  readonly workerId: WorkerId;
  readonly targetId: string;
  readonly startedAt: number;
  readonly route: Route;
  /** Absent when no budget of a key or batch is held for the call. */
  readonly held?: HeldMoney | undefined;
  /** What the call holds of limits; from it capacity is rebuilt when it is lost. */
  readonly reserved?: ReservedUse | undefined;
}

/** What a call holds of limits. */
export interface ReservedUse {
  readonly reservationId: string;
  readonly tenantId: TenantId;
  readonly inputTokens: number;
  /** Expected, not the maximum. */
  readonly outputTokens: number;
  /** The most that it may cost. */
  readonly usd: number;
}

/** What budgets hold for a call. */
export interface HeldMoney {
  /** The most that it may cost. */
  readonly usd: number;
  /** The key whose budget is one of them. */
  readonly keyId: string | undefined;
}

export type StartResult =
  | { readonly kind: "started"; readonly epoch: number }
  /** The job changed since it was loaded, or the worker's lease is over. */
  | { readonly kind: "lost" };

export interface Settlement {
  readonly jobId: JobId;
  readonly epoch: number;
  readonly workerId: WorkerId;
  readonly endedAt: number;
  /** When the request was on the wire; absent when it never was. */
  readonly sentAt?: number | undefined;
  readonly targetId: string;
  readonly outcome: OutcomeKind;
  readonly statusCode: number | undefined;
  readonly latencyMs: number;
  /** From the sending of the request to the first part of the answer; absent for an answer that came as a whole. */
  readonly firstTokenMs?: number | undefined;
  readonly usage: Usage | undefined;
  readonly costUsd: number;
  readonly next:
    | {
        readonly kind: "end";
        readonly state: TerminalJobState;
        readonly result: JobResult | undefined;
        readonly failure: JobFailure | undefined;
        /** How the result ends a background response; its event says so. */
        readonly responseEnding?: ResponseEnding | undefined;
        /** Bytes that this job adds to its batch's output or error file, newline included. */
        readonly lineBytes: number;
        readonly ids: EventIds;
      }
    | {
        readonly kind: "wait";
        readonly notBeforeAt: number;
        readonly avoidTarget: boolean;
        readonly spentAttempt: boolean;
      };
}

/** `recorded`, or `fenced` when the job has gone on without this attempt; its result is then discarded. */
export type SettleResult =
  | { readonly kind: "recorded"; readonly deliveryIds: readonly DeliveryId[] }
  | { readonly kind: "fenced" };

/** What a routing worker needs. */
export interface WorkerLedger {
  /** Registers the process; its lease starts. */
  register(worker: {
    readonly id: WorkerId;
    readonly host: string;
    readonly pid: number;
    readonly leaseMs: number;
  }): Promise<void>;
  /** Lengthens the lease; `false` when it was already over (the dispatcher may have given the jobs away). */
  renewLease(id: WorkerId, leaseMs: number): Promise<boolean>;
  /** Ends the lease at once. */
  retire(id: WorkerId): Promise<void>;
  load(ids: readonly JobId[]): Promise<JobToRun[]>;
  /** Shows unstarted jobs as waiting; those that have gone on meanwhile are left alone. */
  recordWaits(held: readonly HeldJob[]): Promise<void>;
  /** Results in the order of `starts`. */
  startAttempts(starts: readonly StartAttempt[]): Promise<StartResult[]>;
  /** Results in the order of `settlements`. */
  settle(settlements: readonly Settlement[]): Promise<SettleResult[]>;
  /** Ends jobs that never get an attempt again (deadline passed, nothing can serve them). */
  endUnstarted(ends: readonly UnstartedEnd[]): Promise<SettleResult[]>;
}

export interface UnstartedEnd {
  readonly jobId: JobId;
  readonly fromEpoch: number;
  readonly endedAt: number;
  readonly state: "expired" | "dead";
  readonly failure: JobFailure;
  readonly lineBytes: number;
  readonly ids: EventIds;
}

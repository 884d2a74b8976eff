import type { Batch, BatchLineError, BatchSpec, BatchStatus } from "../batch.ts";
import type { DeliveryAttempt, DueDelivery, EventType } from "../delivery.ts";
import type { BatchId, DeliveryId, EventId, FileId, JobId, TenantId, WorkerId } from "../ids.ts";
import type {
  BatchLine,
  FileRecord,
  Job,
  JobFailure,
  JobResult,
  JobSpec,
  JobState,
  Metadata,
  TerminalJobState,
  Usage,
} from "../job.ts";
import type { OutcomeKind } from "../outcome.ts";
import type { Route } from "../route.ts";
import type { LanePointer } from "./lanes.ts";

export interface IdempotencyClaim {
  /** Method and path, e.g. `POST /v1/jobs`. */
  readonly route: string;
  readonly key: string;
  readonly bodySha256: Buffer;
  /** What a repeated call is answered with. */
  readonly response: { readonly status: number; readonly body: string };
}

export interface AcceptJob {
  readonly spec: JobSpec;
  /** Whether the caller will put the pointer into the lane itself right after the commit. */
  readonly laned: boolean;
  readonly idempotency?: IdempotencyClaim;
}

export type AcceptResult =
  | { readonly kind: "accepted" }
  | { readonly kind: "replayed"; readonly status: number; readonly body: string }
  /** The key came with another body before. */
  | { readonly kind: "key-reused" };

export interface Page {
  /** Id of the last object of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
  readonly order: "asc" | "desc";
}

export interface JobFilter {
  readonly states?: readonly JobState[];
  readonly batchId?: BatchId;
  readonly model?: string;
  readonly sla?: string;
  readonly metadata?: Metadata;
}

/** A batch line that ends without a result of the upstream: all that its line in the error file depends on. */
export interface FailedLine extends BatchLine {
  readonly jobId: JobId;
  readonly failure: JobFailure;
}

/** Bytes of such a line in the error file, newline included. */
export type LineBytesOf = (line: FailedLine) => number;

/** What the API needs of jobs. */
export interface JobLedger {
  /** Commits jobs, many in one statement; results in the order of `jobs`. */
  acceptJobs(jobs: readonly AcceptJob[]): Promise<AcceptResult[]>;
  findJob(tenant: TenantId, id: JobId): Promise<Job | undefined>;
  /** Jobs without their bodies' bytes and results' bytes (both empty inline payloads). */
  listJobs(tenant: TenantId, filter: JobFilter, page: Page): Promise<Job[]>;
  /**
   * Cancels a live job and fences its running attempt; answers what the job is now (an ended one stays as it is),
   * `undefined` when there is none. `ids` are used for its event.
   */
  cancelJob(
    tenant: TenantId,
    id: JobId,
    now: number,
    ids: EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<Job | undefined>;
  /** Which of these jobs have ended. */
  endedAmong(ids: readonly JobId[]): Promise<JobId[]>;
  /** The decision of the newest attempt. */
  findRoute(tenant: TenantId, id: JobId): Promise<Route | undefined>;
  listAttempts(tenant: TenantId, id: JobId): Promise<AttemptRecord[]>;
}

export interface AttemptRecord {
  readonly epoch: number;
  readonly targetId: string;
  readonly workerId: WorkerId;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** `undefined` while it runs; `lost` when its worker died. */
  readonly outcome: OutcomeKind | "lost" | "fenced" | undefined;
  readonly statusCode: number | undefined;
  readonly latencyMs: number | undefined;
  readonly usage: Usage | undefined;
  readonly costUsd: number | undefined;
}

/** Ids for the event and the delivery that a transition may create. */
export interface EventIds {
  readonly eventId: EventId;
  readonly deliveryId: DeliveryId;
}

/** A job with what a worker must know to run it. */
export interface JobToRun extends JobSpec {
  readonly state: JobState;
  readonly epoch: number;
  readonly attempts: number;
  readonly failedTargets: readonly string[];
  /** Whether the worker of a running attempt still holds its lease. */
  readonly ownerAlive: boolean;
  readonly notBeforeAt: number | undefined;
}

export interface StartAttempt {
  readonly jobId: JobId;
  /** Epoch that was loaded; the attempt gets the next one. */
  readonly fromEpoch: number;
  readonly workerId: WorkerId;
  readonly targetId: string;
  readonly startedAt: number;
  readonly route: Route;
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
  readonly targetId: string;
  readonly outcome: OutcomeKind;
  readonly statusCode: number | undefined;
  readonly latencyMs: number;
  readonly usage: Usage | undefined;
  readonly costUsd: number;
  readonly next:
    | {
        readonly kind: "end";
        readonly state: TerminalJobState;
        readonly result: JobResult | undefined;
        readonly failure: JobFailure | undefined;
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
  | { readonly kind: "recorded"; readonly deliveryId: DeliveryId | undefined }
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

export type Leadership = { readonly leads: true; readonly epoch: number } | { readonly leads: false };

/** A job that the dispatcher moved, with what its lane and its board need. */
export interface MovedJob extends LanePointer {
  readonly state: JobState;
  readonly deliveryId: DeliveryId | undefined;
  /** Why it ended, as in its failure. */
  readonly failureCode?: string | undefined;
}

export interface LiveJob extends LanePointer {
  readonly state: JobState;
  readonly ownerAlive: boolean;
}

/** What the dispatcher needs of jobs; every write carries the leader's epoch and does nothing once that is over. */
export interface DispatchLedger {
  /** Takes or keeps leadership for `leaseMs`. */
  lead(name: string, holder: string, leaseMs: number): Promise<Leadership>;
  resign(name: string, holder: string): Promise<void>;
  /** Marks up to `limit` unfed jobs of a model as laned, earliest effective deadline first, and returns their pointers. */
  takeForLane(leaderEpoch: number, model: string, limit: number): Promise<LanePointer[]>;
  /** Models that have unfed jobs. */
  unfedModels(): Promise<string[]>;
  /** Live jobs that count as laned, in order of id. */
  liveLaned(page: { readonly after?: JobId | undefined; readonly limit: number }): Promise<LiveJob[]>;
  /** Live state of single jobs, for pointers found without a lock. */
  findLive(ids: readonly JobId[]): Promise<LiveJob[]>;
  /** Gives up the attempts of workers whose lease is over: their jobs wait again, or end if `on_ambiguous` says so. */
  returnJobsOfDeadWorkers(
    leaderEpoch: number,
    now: number,
    newIds: () => EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<MovedJob[]>;
  /** Ends queued and waiting jobs whose deadline has passed and that are to expire. */
  expireJobs(
    leaderEpoch: number,
    now: number,
    limit: number,
    newIds: () => EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<MovedJob[]>;
  /** Deliveries that are due and not being worked on, oldest first. */
  overdueDeliveries(before: number, limit: number): Promise<DeliveryId[]>;
  /** Makes sure that the partitions of the coming weeks exist. */
  ensurePartitions(now: number): Promise<void>;
}

/** One line of a batch as it goes into the ledger. */
export interface NewLineJob {
  readonly spec: JobSpec;
}

/** What batches need. */
export interface BatchLedger {
  createBatch(spec: BatchSpec, idempotency?: IdempotencyClaim): Promise<AcceptResult>;
  findBatch(tenant: TenantId, id: BatchId): Promise<Batch | undefined>;
  listBatches(tenant: TenantId, page: Page): Promise<Batch[]>;
  /** Starts cancelling: unstarted lines are cancelled at once, running ones end by themselves. */
  cancelBatch(
    tenant: TenantId,
    id: BatchId,
    now: number,
    newIds: () => EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<Batch | undefined>;
  /** Batches that wait for validation and no process has begun, or whose process died. */
  batchesToValidate(limit: number): Promise<BatchId[]>;
  /** Claims the validation of a batch for `leaseMs`; `undefined` when another process has it or it is done. */
  claimValidation(id: BatchId, holder: string, leaseMs: number): Promise<Batch | undefined>;
  /**
   * Inserts the jobs that `lines` yields and sets the batch `in_progress`, all in one transaction.
   * When `lines` throws, nothing is kept and the error is passed on.
   */
  insertLines(
    id: BatchId,
    holder: string,
    lines: AsyncIterable<readonly JobSpec[]>,
    now: () => number,
  ): Promise<{ readonly total: number } | undefined>;
  failBatch(
    id: BatchId,
    errors: readonly BatchLineError[],
    total: number,
    now: number,
    ids: EventIds,
  ): Promise<DeliveryId | undefined>;
  /**
   * Ends batches all of whose lines have ended; returns what was done. First cancels the lines of cancelling
   * batches that have come back from an attempt and would wait for another.
   */
  finaliseBatches(
    leaderEpoch: number,
    now: number,
    newIds: () => EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<
    { readonly id: BatchId; readonly status: BatchStatus; readonly deliveryId: DeliveryId | undefined }[]
  >;
  /** Finished lines of one side of a batch in order of line, `limit` at a time. */
  readLines(id: BatchId, side: "output" | "error", afterLine: number, limit: number): Promise<EndedLine[]>;
}

/** A finished line as it stands in the output or error file. */
export interface EndedLine {
  readonly jobId: JobId;
  readonly line: number;
  readonly customId: string;
  readonly state: TerminalJobState;
  readonly result: JobResult | undefined;
  readonly failure: JobFailure | undefined;
}

export interface FileLedger {
  createFile(file: FileRecord): Promise<void>;
  /** Uploaded files, and the views of batches that hold at least one line. */
  findFile(tenant: TenantId, id: FileId): Promise<FileRecord | undefined>;
  listFiles(tenant: TenantId, filter: { readonly purpose?: string }, page: Page): Promise<FileRecord[]>;
}

export type KeyRole = "admin" | "member";

export interface ApiKeyOwner {
  readonly keyId: string;
  readonly tenantId: TenantId;
  readonly role: KeyRole;
}

export interface TenantLedger {
  /** Creates the tenant if it is not there. */
  ensureTenant(id: TenantId, now: number): Promise<void>;
  /** Makes `hash` a key of the tenant (idempotent by hash). `hint` is its last characters. */
  ensureKey(key: {
    readonly id: string;
    readonly tenantId: TenantId;
    readonly role: KeyRole;
    readonly hash: Buffer;
    readonly hint: string;
    readonly name: string;
    readonly now: number;
  }): Promise<void>;
  findKey(hash: Buffer): Promise<ApiKeyOwner | undefined>;
  /** The tenant's webhook signing secrets, newest first; made on first use by `create`. */
  webhookSecrets(tenant: TenantId, create: () => string, now: number): Promise<string[]>;
}

/** What the delivery process needs. */
export interface DeliveryLedger {
  /** Claims one due delivery for `leaseMs`; `undefined` when it is not due, ended, or another process has it. */
  claimDelivery(id: DeliveryId, now: number, leaseMs: number): Promise<DueDelivery | undefined>;
  /** Records an attempt and what follows from it. */
  recordDelivery(
    attempt: DeliveryAttempt,
    next:
      | { readonly kind: "succeeded" }
      | { readonly kind: "given_up" }
      | { readonly kind: "retry"; readonly at: number },
  ): Promise<void>;
}

export type { EventType };

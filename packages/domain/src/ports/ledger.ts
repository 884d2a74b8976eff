import type { Batch, BatchLineError, BatchSpec, BatchStatus } from "../batch.ts";
import type { BatchDialect } from "../batch-dialect.ts";
import type { BatchId, DeliveryId, EventId, FileId, JobId, ResponseId, TenantId, WorkerId } from "../ids.ts";
import type {
  BatchLine,
  Feedback,
  FileDetails,
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
import type { JobHistory, JobStanding } from "../job-events.ts";
import type { OutcomeKind } from "../outcome.ts";
import type { Route } from "../route.ts";

/** An idempotency key with what a repetition is compared by. */
export interface IdempotencyKey {
  /** Method and path, e.g. `POST /v1/jobs`. */
  readonly route: string;
  readonly key: string;
  readonly bodySha256: Buffer;
  /**
   * Set when the key is no caller's choice, but made from the call itself: its first try is a call of its own, whatever
   * equal ones came before; another try repeats what came within {@link triesWithinMs}.
   */
  readonly tryOfCall?: "first" | "another";
}

/** A client tries a call again within ten minutes: OpenAI's clients give up after that time. */
export const triesWithinMs = 10 * 60_000;

/** An `Idempotency-Key` that a caller has chosen counts for a day. */
export const keysCountMs = 24 * 3_600_000;

export interface IdempotencyClaim extends IdempotencyKey {
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

/** A page of jobs. */
export interface JobList {
  readonly jobs: readonly Job[];
  /** Set when the search was broken off because few jobs match: the next page goes on after this job. */
  readonly lookedUpTo: JobId | undefined;
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

/**
 * Bytes of such a line in the error file, newline included. Beside the failure they depend on the custom_id alone, and on
 * that by the bytes that it has as JSON.
 */
export type LineBytesOf = (line: FailedLine) => number;

/** What the API needs of jobs. */
export interface JobLedger {
  /** Commits jobs, many in one statement; results in the order of `jobs`. */
  acceptJobs(jobs: readonly AcceptJob[]): Promise<AcceptResult[]>;
  /** How a call is answered that repeats one that came before it; `undefined` when it repeats none. */
  findClaim(tenant: TenantId, key: IdempotencyKey, now: number): Promise<AcceptResult | undefined>;
  findJob(tenant: TenantId, id: JobId): Promise<Job | undefined>;
  /** The job whose result is read as this response; `undefined` when there is none, or it was deleted. */
  findResponse(tenant: TenantId, id: ResponseId): Promise<Job | undefined>;
  /** Takes a response out of sight; `false` when there is none. Its job stays. */
  deleteResponse(tenant: TenantId, id: ResponseId, now: number): Promise<boolean>;
  /** Jobs without their bodies' bytes and results' bytes (both empty inline payloads). */
  listJobs(tenant: TenantId, filter: JobFilter, page: Page): Promise<JobList>;
  /** All that is remembered of the steps of a job. */
  findHistory(tenant: TenantId, id: JobId): Promise<JobHistory | undefined>;
  /** Where these jobs stand, whosever they are; those that do not exist are left out. */
  findStandings(ids: readonly JobId[]): Promise<ReadonlyMap<JobId, JobStanding>>;
  /** Keeps a word on a job in place of the one before. The caller has made sure of the job. */
  giveFeedback(id: JobId, feedback: Feedback): Promise<void>;
  findFeedback(tenant: TenantId, id: JobId): Promise<Feedback | undefined>;
  /**
   * Cancels a live job and fences its running attempt; answers what the job is now (an ended one stays as it is) and
   * whom to tell, `undefined` when there is none. `ids` are used for its event.
   */
  cancelJob(
    tenant: TenantId,
    id: JobId,
    now: number,
    ids: EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<CancelledJob | undefined>;
  /**
   * Says that a call that made this job, or repeated the one that did, waits for it no longer. When no other call does
   * and no attempt has begun, the job is cancelled, and the key is free for a new one; `undefined` when it goes on.
   */
  leaveJob(
    leaving: LeavingCall,
    now: number,
    ids: EventIds,
  ): Promise<{ readonly deliveryIds: readonly DeliveryId[] } | undefined>;
  /** Which of these jobs have ended. */
  endedAmong(ids: readonly JobId[]): Promise<JobId[]>;
  /** The decision of the newest attempt. */
  findRoute(tenant: TenantId, id: JobId): Promise<Route | undefined>;
  listAttempts(tenant: TenantId, id: JobId): Promise<AttemptRecord[]>;
}

/** A job that was to be cancelled, with the deliveries that its end has made. */
export interface CancelledJob extends Job {
  readonly deliveryIds: readonly DeliveryId[];
}

/** A call that waited for a job, by the key that it was made with. */
export interface LeavingCall {
  readonly tenantId: TenantId;
  readonly jobId: JobId;
  readonly key: Pick<IdempotencyKey, "route" | "key">;
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
  /** From the sending of the request to the first part of a streamed answer. */
  readonly firstTokenMs?: number | undefined;
  readonly usage: Usage | undefined;
  readonly costUsd: number | undefined;
}

/** Ids for the event and the delivery that a transition may create. */
export interface EventIds {
  readonly eventId: EventId;
  readonly deliveryId: DeliveryId;
}

/** What becomes of lines that an earlier batch has the results of. */
export interface CarryOver {
  /** Bytes of such a line in the output file, newline included; of its result only the length is at hand. */
  readonly lineBytesOf: (line: EndedLine, resultBytes: number) => number;
  /** Told what such lines had been counted for, by candidate set, once all are known. When it throws, nothing is kept. */
  readonly carried: (tokens: ReadonlyMap<string, number>) => void;
}

/** A line as its batch brings it in. */
export interface NewLine extends JobSpec {
  /** Why it will never run, in the words of its dialect. */
  readonly refusal?: JobRefusal | undefined;
}

/** An answer that stands in for one of the upstream. */
export interface JobRefusal {
  readonly statusCode: number;
  /** JSON. */
  readonly body: Buffer;
}

/** What batches need. */
export interface BatchLedger {
  /** `input` is a file that nobody but this batch sees; it goes when the batch has no more need of it. */
  createBatch(spec: BatchSpec, idempotency?: IdempotencyClaim, input?: FileRecord): Promise<AcceptResult>;
  /** A batch that is not deleted, of this dialect if one is named. */
  findBatch(tenant: TenantId, id: BatchId, dialect?: BatchDialect): Promise<Batch | undefined>;
  listBatches(tenant: TenantId, dialect: BatchDialect, page: Page): Promise<Batch[]>;
  /**
   * Deletes an ended batch with its lines, their requests and results; `false` when there is none such. What its calls
   * cost stays on record.
   */
  deleteBatch(tenant: TenantId, id: BatchId, now: number): Promise<boolean>;
  /** The job of a batch's last line; `undefined` before there are any. */
  findLastLine(id: BatchId): Promise<JobSpec | undefined>;
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
   * When `lines` throws, nothing is kept and the error is passed on. Of a batch that resumes another, the lines that
   * succeeded there are ended with it, and `carry` must be there. A line with a refusal has failed with it as it comes in.
   */
  insertLines(
    id: BatchId,
    holder: string,
    lines: AsyncIterable<readonly NewLine[]>,
    now: () => number,
    carry?: CarryOver,
  ): Promise<{ readonly total: number } | undefined>;
  /** The jobs of a batch's lines that ended otherwise than well, in order of line, `limit` at a time. */
  readRetryLines(id: BatchId, afterLine: number, limit: number): Promise<JobSpec[]>;
  failBatch(
    id: BatchId,
    errors: readonly BatchLineError[],
    total: number,
    now: number,
    ids: EventIds,
  ): Promise<DeliveryId[]>;
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
    { readonly id: BatchId; readonly status: BatchStatus; readonly deliveryIds: readonly DeliveryId[] }[]
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
  /** The job whose result it has, without a call. */
  readonly carriedFrom?: JobId | undefined;
}

/** Which files are listed. */
export interface FileFilter {
  readonly purpose?: string;
  /** Leaves out those that have expired then. */
  readonly liveAt?: number;
}

export interface FileLedger {
  /** Its contents must have been claimed and must still be there. */
  createFile(file: FileRecord): Promise<void>;
  /** Uploaded files, and the views of batches that hold at least one line. */
  findFile(tenant: TenantId, id: FileId): Promise<FileRecord | undefined>;
  /** The same for a batch that was made while the file was there: also one that has been deleted since. */
  findInput(tenant: TenantId, id: FileId): Promise<FileRecord | undefined>;
  listFiles(tenant: TenantId, filter: FileFilter, page: Page): Promise<FileDetails[]>;
  /** Takes a file out of sight; `false` when there is none. What it holds goes when nothing needs it any more. */
  deleteFile(tenant: TenantId, id: FileId, now: number): Promise<boolean>;
}

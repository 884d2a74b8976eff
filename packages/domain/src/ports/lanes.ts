import type { JobId } from "../ids.ts";

/** What a lane holds of a job: enough to order it, nothing of its content. */
export interface LanePointer {
  readonly jobId: JobId;
  /** Model alias; names the lane. */
  readonly model: string;
  readonly effectiveDeadlineAt: number;
  /** Not to be claimed before this moment. */
  readonly notBeforeAt?: number | undefined;
  /** W3C trace context of the job; kept with the pointer only while queue telemetry is on. */
  readonly traceparent?: string | undefined;
}

export interface LaneDepth {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
}

/** How a handler leaves a pointer. */
export type Verdict =
  /** Ended; `reference` (never a result) is kept as the queue's return value. */
  | { readonly kind: "done"; readonly reference: string }
  /** Ended badly; shown as failed on the board with this code. */
  | { readonly kind: "failed"; readonly code: string }
  /** Back into the lane, not before `at`; spends no BullMQ attempt. */
  | { readonly kind: "later"; readonly at: number };

/** The lanes as producers and the reconciler see them. */
export interface Lanes {
  /** Adds pointers; one that is already there is left as it is. */
  add(pointers: readonly LanePointer[]): Promise<void>;
  /** Removes every trace of these pointers (also active ones without a lock) and adds them again. */
  replace(pointers: readonly LanePointer[]): Promise<void>;
  /** Removes pointers that are not being worked on. */
  remove(model: string, jobIds: readonly JobId[]): Promise<void>;
  /** Which of these jobs the lane does not hold as waiting, delayed or active. */
  missing(model: string, jobIds: readonly JobId[]): Promise<JobId[]>;
  /** Pointers that count as active though no worker holds their lock. */
  unlocked(model: string): Promise<JobId[]>;
  depth(model: string): Promise<LaneDepth>;
  /** Names this Redis data set; another value than before means that everything in Redis was lost. */
  generation(): Promise<string>;
}

/** Which pointers could not be woken; those that wait to be claimed already are not named. */
export interface WakeAnswer {
  /** A worker still has them. */
  readonly inHand: readonly JobId[];
  /** The lane does not hold them (any more). */
  readonly gone: readonly JobId[];
}

/** The lanes as those see them who let parked jobs go on. */
export interface LaneWaker {
  /** Lets delayed pointers be claimed now, each in its place; others are left as they are. */
  wake(model: string, jobIds: readonly JobId[]): Promise<WakeAnswer>;
}

/** A queue of plain ids beside the lanes: batches to validate, deliveries to send. */
export interface IdQueue {
  add(items: readonly { readonly id: string; readonly notBeforeAt?: number }[]): Promise<void>;
}

/** Where jobs whose attempts are exhausted are shown. */
export interface DeadLetters {
  add(
    entries: readonly { readonly jobId: JobId; readonly model: string; readonly code: string }[],
  ): Promise<void>;
  /** Forgets jobs that have been redriven. */
  remove(jobIds: readonly JobId[]): Promise<void>;
}

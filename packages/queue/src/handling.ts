import type { Verdict } from "@sluice/domain";
import { DelayedError, type Job, UnrecoverableError } from "bullmq";

/** A claimed pointer and its handler's run. */
export interface Handling {
  readonly job: Job;
  /** Proves to Redis that this worker holds the lock. */
  readonly token: string;
  readonly abort: AbortController;
  /** Ends BullMQ's wait for a handler that does not return; the pointer must have been moved before. */
  readonly letGo: () => void;
  readonly lettingGo: Promise<"let-go">;
  /** Which of the consumer's workers claimed it. */
  readonly workerNumber: number;
  /** Its handler only waits, and may for long: another may have its place. */
  lent: boolean;
}

export function beginHandling(job: Job, token: string, workerNumber: number): Handling {
  const { promise, resolve } = Promise.withResolvers<"let-go">();
  const abort = new AbortController();
  return { job, token, abort, letGo: () => resolve("let-go"), lettingGo: promise, workerNumber, lent: false };
}

/** What BullMQ keeps as the return value: a reference into the ledger. */
export interface DoneValue {
  readonly reference: string;
}

/**
 * Tells BullMQ how a pointer ends, in BullMQ's way: by a return value or by an error of a certain class.
 * Throws those errors. `let-go` is a pointer that has been moved already.
 */
export async function carryOut(
  verdict: Verdict | "let-go",
  { job, token }: Handling,
  onError: (error: Error) => void,
): Promise<DoneValue> {
  if (verdict === "let-go") throw new DelayedError();
  switch (verdict.kind) {
    case "done":
      return { reference: verdict.reference };
    case "failed":
      throw failure(verdict.code);
    case "later":
      await moveLater(job, token, verdict.at, onError);
      throw new DelayedError();
  }
}

/**
 * Puts a claimed pointer back, not to be claimed before `at`; BullMQ keeps its priority.
 * When that fails the pointer is left alone: its lock is gone or will lapse, and the dispatcher puts back
 * what counts as active without a lock. To BullMQ a failed move would be a failed job.
 */
export async function moveLater(
  job: Job,
  token: string,
  at: number,
  onError: (error: Error) => void,
): Promise<void> {
  try {
    await job.moveToDelayed(at, token);
  } catch (error) {
    onError(asError(error));
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** BullMQ stores the stack of an error with the job: there is nothing in ours that the code does not say. */
function failure(code: string): UnrecoverableError {
  const error = new UnrecoverableError(code);
  error.stack = "";
  return error;
}

import type { BatchId, JobId, TenantId } from "./ids.ts";
import type { BatchLine, JobFailure, RoutingWishes } from "./job.ts";
import type { OutcomeKind } from "./outcome.ts";

/** Which dead letters are meant: those that match every field given. */
export interface DeadLetterFilter {
  readonly ids?: readonly JobId[];
  readonly model?: string;
  readonly batchId?: BatchId;
  /** A cause as {@link DeadLetter} has it, or only the code it begins with. */
  readonly cause?: string;
  /** Died then or later. */
  readonly since?: number;
  /** Died then or earlier. */
  readonly until?: number;
}

/** How many calls of a dead job ended alike. */
export interface FailedCalls {
  readonly outcome: OutcomeKind | "lost";
  readonly statusCode: number | undefined;
  readonly count: number;
}

/** A dead job that has not been redriven. */
export interface DeadLetter {
  readonly jobId: JobId;
  readonly tenantId: TenantId;
  readonly model: string;
  readonly endpoint: string;
  readonly sla: string;
  readonly priority: number;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | undefined;
  readonly capabilities: readonly string[];
  readonly routing: RoutingWishes;
  readonly batchLine: BatchLine | undefined;
  readonly keyId: string | undefined;
  readonly acceptedAt: number;
  readonly diedAt: number;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly targetId: string | undefined;
  readonly failure: JobFailure;
  /** The failure's code and the different ways in which calls ended: `attempts_exhausted: overloaded 503, timed-out`. */
  readonly cause: string;
  /** Most frequent first. */
  readonly calls: readonly FailedCalls[];
}

/** Dead letters of one cause, model and target. */
export interface DeadLetterGroup {
  readonly cause: string;
  readonly model: string;
  readonly targetId: string | undefined;
  readonly count: number;
  readonly oldestAt: number;
  readonly newestAt: number;
  /** Some of them, oldest first. */
  readonly sampleIds: readonly JobId[];
}

/** What is new in the job that a dead one is redriven as; everything else it has from that one. */
export interface RedrivePlan {
  readonly id: JobId;
  readonly deadlineAt: number;
  readonly effectiveDeadlineAt: number;
  readonly routing: RoutingWishes;
  /** Names the targets that could serve it now. */
  readonly candidateSet: string;
}

/** A dead job and the new one. */
export interface Redriven {
  readonly from: JobId;
  readonly to: JobId;
}

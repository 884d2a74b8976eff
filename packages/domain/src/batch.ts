import type { BatchDialect } from "./batch-dialect.ts";
import type { WebhookPayload } from "./delivery.ts";
import type { BatchId, FileId, TenantId } from "./ids.ts";
import type { Metadata, OnAmbiguous, OnMiss, RoutingWishes, Usage } from "./job.ts";

export type BatchStatus =
  | "validating"
  | "failed"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "expired"
  | "cancelling"
  | "cancelled";

/** Every batch status with those that may follow it. */
export const batchTransitions: Readonly<Record<BatchStatus, readonly BatchStatus[]>> = {
  validating: ["failed", "in_progress", "cancelling", "cancelled"],
  in_progress: ["finalizing", "cancelling", "completed", "expired"],
  finalizing: ["completed", "expired"],
  cancelling: ["cancelled"],
  failed: [],
  completed: [],
  expired: [],
  cancelled: [],
};

/** Whether a batch in this status will never change again. */
export function isBatchEnded(status: BatchStatus): boolean {
  return batchTransitions[status].length === 0;
}

/** Throws when `to` may not follow `from`. */
export function assertBatchTransition(from: BatchStatus, to: BatchStatus): void {
  if (!batchTransitions[from].includes(to)) throw new Error(`a ${from} batch cannot become ${to}`);
}

export interface BatchLineError {
  readonly code: string;
  /** 1-based; `undefined` when the fault is the file's, not a line's. */
  readonly line: number | undefined;
  readonly message: string;
  readonly param: string | undefined;
}

/** At most this many line errors are kept for a batch. */
export const maxBatchErrors = 100;

/** Lines by how they ended; the rest of `total` is unfinished. */
export interface BatchCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly expired: number;
  readonly usage: Usage;
  readonly costUsd: number;
  /** Bytes of the two files so far. */
  readonly outputBytes: number;
  readonly errorBytes: number;
}

/** Lines that have reached a terminal state. */
export function finishedLines(counts: BatchCounts): number {
  return counts.succeeded + counts.failed + counts.dead + counts.cancelled + counts.expired;
}

/** A batch as accepted; the part that never changes. */
export interface BatchSpec {
  readonly id: BatchId;
  readonly tenantId: TenantId;
  readonly dialect: BatchDialect;
  /** How many lines it has, where that is known when it is accepted. */
  readonly lines?: number | undefined;
  readonly inputFileId: FileId;
  readonly outputFileId: FileId;
  readonly errorFileId: FileId;
  readonly endpoint: string;
  /** As the client wrote it, e.g. `24h`. */
  readonly completionWindow: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sla: string;
  readonly priority: number;
  readonly onMiss: OnMiss;
  readonly onAmbiguous: OnAmbiguous;
  readonly maxAttempts: number;
  readonly metadata: Metadata | undefined;
  readonly routing: RoutingWishes;
  readonly webhookUrl: string | undefined;
  /** How much a webhook to it tells; thin when it is not said. */
  readonly webhookPayload?: WebhookPayload | undefined;
  /** Whether each line also sends its own job event. */
  readonly webhookJobs: boolean;
  readonly traceparent: string | undefined;
  /** The API key it was created with; its budget pays for the lines. */
  readonly keyId: string | undefined;
  /** What all its calls together may cost. */
  readonly maxSpendUsd: number | undefined;
  /** It is ended when a greater share (0..1) of the lines that have ended failed. */
  readonly stopOnErrorRate: number | undefined;
  /** How long its output and error file are kept from their end on; as long as its lines' results when it is not said. */
  readonly outputLifeSeconds?: number | undefined;
  /** The batch whose lines that did not succeed are its lines. */
  readonly retryOf?: BatchId | undefined;
  /** The batch whose results stand in for its own lines with the same custom_id and body. */
  readonly resumeFrom?: BatchId | undefined;
}

/** A batch as read from the ledger. */
export interface Batch extends BatchSpec {
  readonly status: BatchStatus;
  readonly errors: readonly BatchLineError[];
  readonly counts: BatchCounts;
  readonly inProgressAt: number | undefined;
  readonly finalizingAt: number | undefined;
  readonly completedAt: number | undefined;
  readonly failedAt: number | undefined;
  readonly expiredAt: number | undefined;
  readonly cancellingAt: number | undefined;
  readonly cancelledAt: number | undefined;
  /** The batch that retries it. */
  readonly retriedAs?: BatchId | undefined;
}

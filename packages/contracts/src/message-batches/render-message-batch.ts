import {
  assertNever,
  type Batch,
  type BatchStatus,
  finishedLines,
  idFromUuid,
  isBatchEnded,
  type MessageBatchId,
  uuidOf,
} from "@sluice/domain";

/** The name of a batch at Anthropic's API. */
export function messageBatchId(batch: Pick<Batch, "id">): MessageBatchId {
  return idFromUuid("messageBatch", uuidOf("batch", batch.id));
}

/** Where the results of a batch are, at an API that is reached at `base`. */
export function messageResultsUrl(base: string, batch: Pick<Batch, "id">): string {
  return `${base.replace(/\/+$/, "")}/v1/messages/batches/${messageBatchId(batch)}/results`;
}

/** A batch in Anthropic's shape; `resultsUrl` is told once it has ended. */
export function renderMessageBatch(batch: Batch, resultsUrl: string | null): Record<string, unknown> {
  const { createdAt, expiresAt, cancellingAt } = batch;
  const endedAt = batch.completedAt ?? batch.expiredAt ?? batch.cancelledAt ?? batch.failedAt;
  return {
    id: messageBatchId(batch),
    type: "message_batch",
    processing_status: processingStatus(batch.status),
    request_counts: requestCounts(batch),
    created_at: moment(createdAt),
    expires_at: moment(expiresAt),
    ended_at: endedAt === undefined ? null : moment(endedAt),
    cancel_initiated_at: cancellingAt === undefined ? null : moment(cancellingAt),
    archived_at: null,
    results_url: isBatchEnded(batch.status) ? resultsUrl : null,
  };
}

function processingStatus(status: BatchStatus): "in_progress" | "canceling" | "ended" {
  switch (status) {
    case "validating":
    case "in_progress":
    case "finalizing":
      return "in_progress";
    case "cancelling":
      return "canceling";
    case "failed":
    case "completed":
    case "expired":
    case "cancelled":
      return "ended";
    default:
      return assertNever(status);
  }
}

/** All are processing until the batch has ended. Requests that no job was made for have ended as their batch did. */
function requestCounts({ status, counts }: Batch): Record<string, number> {
  const { total, succeeded, failed, dead, cancelled, expired } = counts;
  if (!isBatchEnded(status)) return { processing: total, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  const others = total - finishedLines(counts);
  const [errored, canceled] = status === "failed" ? [others, 0] : [0, others];
  return {
    processing: 0,
    succeeded,
    errored: failed + dead + errored,
    canceled: cancelled + canceled,
    expired,
  };
}

function moment(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

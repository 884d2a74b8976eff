import type { BatchView } from "./views.ts";

/** A message batch as Anthropic's API has it; the fields that the commands read. */
export interface MessageBatchView {
  readonly id: string;
  readonly processing_status: "in_progress" | "canceling" | "ended";
  readonly request_counts: {
    readonly processing: number;
    readonly succeeded: number;
    readonly errored: number;
    readonly canceled: number;
    readonly expired: number;
  };
  readonly created_at: string;
  readonly expires_at: string;
  readonly ended_at: string | null;
  readonly cancel_initiated_at: string | null;
}

/** Whether an id is a message batch's. */
export function isMessageBatchId(id: string): boolean {
  return id.startsWith("msgbatch_");
}

/** The same in the words of other batches, so that the commands show both alike. */
export function batchViewOf(batch: MessageBatchView): BatchView {
  const { processing, succeeded, errored, canceled, expired } = batch.request_counts;
  const status = statusOf(batch);
  const endedAt = batch.ended_at === null ? null : seconds(batch.ended_at);
  return {
    id: batch.id,
    object: "batch",
    status,
    endpoint: "/v1/messages",
    completion_window: "24h",
    errors: null,
    output_file_id: null,
    error_file_id: null,
    created_at: seconds(batch.created_at),
    expires_at: seconds(batch.expires_at),
    completed_at: status === "completed" ? endedAt : null,
    expired_at: status === "expired" ? endedAt : null,
    cancelled_at: status === "cancelled" ? endedAt : null,
    request_counts: {
      total: processing + succeeded + errored + canceled + expired,
      completed: succeeded,
      failed: errored + expired,
    },
  };
}

function statusOf(batch: MessageBatchView): string {
  if (batch.processing_status === "in_progress") return "in_progress";
  if (batch.processing_status === "canceling") return "cancelling";
  if (batch.cancel_initiated_at !== null) return "cancelled";
  return batch.request_counts.expired > 0 ? "expired" : "completed";
}

function seconds(moment: string): number {
  return Math.floor(Date.parse(moment) / 1000);
}

import {
  type Batch,
  type BatchDialect,
  type BatchId,
  type BatchLineError,
  type BatchSpec,
  type BatchStatus,
  idFromUuid,
  type Metadata,
  type OnAmbiguous,
  type OnMiss,
  type RoutingWishes,
  type TenantId,
  uuidOf,
  type WebhookPayload,
} from "@sluice/domain";
import type { Column } from "./columns.ts";

/** The columns of `batches` that come from the batch as accepted. */
export const batchColumns: readonly Column<BatchSpec>[] = [
  { name: "id", type: "uuid", value: (batch) => uuidOf("batch", batch.id) },
  { name: "tenant_id", type: "text", value: (batch) => batch.tenantId },
  { name: "dialect", type: "text", value: (batch) => batch.dialect },
  { name: "total", type: "int4", value: (batch) => batch.lines ?? 0 },
  { name: "input_file_id", type: "uuid", value: (batch) => uuidOf("file", batch.inputFileId) },
  { name: "output_file_id", type: "uuid", value: (batch) => uuidOf("file", batch.outputFileId) },
  { name: "error_file_id", type: "uuid", value: (batch) => uuidOf("file", batch.errorFileId) },
  { name: "endpoint", type: "text", value: (batch) => batch.endpoint },
  { name: "completion_window", type: "text", value: (batch) => batch.completionWindow },
  { name: "created_at", type: "timestamptz", value: (batch) => batch.createdAt },
  { name: "expires_at", type: "timestamptz", value: (batch) => batch.expiresAt },
  { name: "sla", type: "text", value: (batch) => batch.sla },
  { name: "priority", type: "int2", value: (batch) => batch.priority },
  { name: "on_miss", type: "text", value: (batch) => batch.onMiss },
  { name: "on_ambiguous", type: "text", value: (batch) => batch.onAmbiguous },
  { name: "max_attempts", type: "int4", value: (batch) => batch.maxAttempts },
  { name: "metadata", type: "jsonb", value: (batch) => batch.metadata },
  { name: "routing", type: "jsonb", value: (batch) => batch.routing },
  { name: "webhook_url", type: "text", value: (batch) => batch.webhookUrl },
  { name: "webhook_payload", type: "text", value: (batch) => batch.webhookPayload },
  { name: "webhook_jobs", type: "bool", value: (batch) => batch.webhookJobs },
  { name: "traceparent", type: "text", value: (batch) => batch.traceparent },
  { name: "key_id", type: "text", value: (batch) => batch.keyId },
  { name: "max_spend_usd", type: "numeric", value: (batch) => batch.maxSpendUsd },
  { name: "stop_on_error_rate", type: "float8", value: (batch) => batch.stopOnErrorRate },
  { name: "output_life_seconds", type: "int4", value: (batch) => batch.outputLifeSeconds },
  { name: "retry_of", type: "uuid", value: (batch) => batch.retryOf && uuidOf("batch", batch.retryOf) },
  {
    name: "resume_from",
    type: "uuid",
    value: (batch) => batch.resumeFrom && uuidOf("batch", batch.resumeFrom),
  },
];

/** What a batch is read from: its row `b` and the sums `c` of its counts. */
export const batchSource = `batches b CROSS JOIN LATERAL (
  SELECT coalesce(sum(succeeded), 0) AS succeeded, coalesce(sum(failed), 0) AS failed, coalesce(sum(dead), 0) AS dead,
    coalesce(sum(cancelled), 0) AS cancelled, coalesce(sum(expired), 0) AS expired,
    coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
    coalesce(sum(cached_input_tokens), 0) AS cached_input_tokens, coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens,
    coalesce(sum(output_bytes), 0) AS output_bytes, coalesce(sum(error_bytes), 0) AS error_bytes,
    coalesce(sum(cost_usd), 0) AS cost_usd,
    (SELECT r.id FROM batches r WHERE r.retry_of = b.id AND r.status <> 'failed') AS retried_as
  FROM batch_counts WHERE batch_id = b.id
) c`;

export interface BatchRow {
  readonly id: string;
  readonly tenantId: string;
  readonly dialect: BatchDialect;
  readonly inputFileId: string;
  readonly outputFileId: string;
  readonly errorFileId: string;
  readonly endpoint: string;
  readonly completionWindow: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sla: string;
  readonly priority: number;
  readonly onMiss: OnMiss;
  readonly onAmbiguous: OnAmbiguous;
  readonly maxAttempts: number;
  readonly metadata: Metadata | null;
  readonly routing: RoutingWishes;
  readonly webhookUrl: string | null;
  readonly webhookPayload: WebhookPayload | null;
  readonly webhookJobs: boolean;
  readonly traceparent: string | null;
  readonly keyId: string | null;
  readonly maxSpendUsd: number | null;
  readonly stopOnErrorRate: number | null;
  readonly outputLifeSeconds: number | null;
  readonly retryOf: string | null;
  readonly resumeFrom: string | null;
  readonly retriedAs: string | null;
  readonly status: BatchStatus;
  readonly errors: readonly Partial<BatchLineError>[];
  readonly total: number;
  readonly inProgressAt: number | null;
  readonly finalizingAt: number | null;
  readonly completedAt: number | null;
  readonly failedAt: number | null;
  readonly expiredAt: number | null;
  readonly cancellingAt: number | null;
  readonly cancelledAt: number | null;
  readonly succeeded: number;
  readonly failed: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly expired: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  readonly outputBytes: number;
  readonly errorBytes: number;
  readonly costUsd: number;
}

function specOf(row: BatchRow): BatchSpec {
  return {
    id: idFromUuid("batch", row.id),
    tenantId: row.tenantId as TenantId,
    dialect: row.dialect,
    inputFileId: idFromUuid("file", row.inputFileId),
    outputFileId: idFromUuid("file", row.outputFileId),
    errorFileId: idFromUuid("file", row.errorFileId),
    endpoint: row.endpoint,
    completionWindow: row.completionWindow,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    sla: row.sla,
    priority: row.priority,
    onMiss: row.onMiss,
    onAmbiguous: row.onAmbiguous,
    maxAttempts: row.maxAttempts,
    metadata: row.metadata ?? undefined,
    routing: row.routing,
    webhookUrl: row.webhookUrl ?? undefined,
    webhookPayload: row.webhookPayload ?? undefined,
    webhookJobs: row.webhookJobs,
    traceparent: row.traceparent ?? undefined,
    keyId: row.keyId ?? undefined,
    maxSpendUsd: row.maxSpendUsd ?? undefined,
    stopOnErrorRate: row.stopOnErrorRate ?? undefined,
    outputLifeSeconds: row.outputLifeSeconds ?? undefined,
    retryOf: batchIdOf(row.retryOf),
    resumeFrom: batchIdOf(row.resumeFrom),
  };
}

function batchIdOf(uuid: string | null): BatchId | undefined {
  return uuid === null ? undefined : idFromUuid("batch", uuid);
}

function countsOf(row: BatchRow): Batch["counts"] {
  const { total, succeeded, failed, dead, cancelled, expired, costUsd, outputBytes, errorBytes } = row;
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = row;
  const usage = { inputTokens, outputTokens, cachedInputTokens, reasoningTokens };
  return { total, succeeded, failed, dead, cancelled, expired, usage, costUsd, outputBytes, errorBytes };
}

export function batchOf(row: BatchRow): Batch {
  return {
    ...specOf(row),
    status: row.status,
    errors: row.errors.map(({ code = "", line, message = "", param }) => ({ code, line, message, param })),
    counts: countsOf(row),
    inProgressAt: row.inProgressAt ?? undefined,
    finalizingAt: row.finalizingAt ?? undefined,
    completedAt: row.completedAt ?? undefined,
    failedAt: row.failedAt ?? undefined,
    expiredAt: row.expiredAt ?? undefined,
    cancellingAt: row.cancellingAt ?? undefined,
    cancelledAt: row.cancelledAt ?? undefined,
    retriedAs: batchIdOf(row.retriedAs),
  };
}

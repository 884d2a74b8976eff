import { type JobSpec, uuidOf } from "@sluice/domain";
import type { Column } from "./columns.ts";

/** The columns of `jobs`, in the order in which both the multi-row INSERT and COPY write them. */
export const jobColumns: readonly Column<JobSpec>[] = [
  { name: "id", type: "uuid", value: (job) => uuidOf("job", job.id) },
  { name: "accepted_at", type: "timestamptz", value: (job) => job.acceptedAt },
  { name: "deadline_at", type: "timestamptz", value: (job) => job.deadlineAt },
  { name: "effective_deadline_at", type: "timestamptz", value: (job) => job.effectiveDeadlineAt },
  { name: "batch_id", type: "uuid", value: (job) => job.batchLine && uuidOf("batch", job.batchLine.batchId) },
  { name: "line", type: "int4", value: (job) => job.batchLine?.line },
  { name: "priority", type: "int2", value: (job) => job.priority },
  { name: "max_attempts", type: "int4", value: (job) => job.maxAttempts },
  { name: "input_tokens", type: "int4", value: (job) => job.inputTokens },
  { name: "max_output_tokens", type: "int4", value: (job) => job.maxOutputTokens },
  { name: "body_size", type: "int4", value: (job) => bodySize(job) },
  { name: "tenant_id", type: "text", value: (job) => job.tenantId },
  { name: "model", type: "text", value: (job) => job.model },
  { name: "endpoint", type: "text", value: (job) => job.endpoint },
  { name: "sla", type: "text", value: (job) => job.sla },
  { name: "on_miss", type: "text", value: (job) => job.onMiss },
  { name: "on_ambiguous", type: "text", value: (job) => job.onAmbiguous },
  { name: "custom_id", type: "text", value: (job) => job.batchLine?.customId },
  { name: "webhook_url", type: "text", value: (job) => job.webhookUrl },
  { name: "webhook_payload", type: "text", value: (job) => job.webhookPayload },
  { name: "traceparent", type: "text", value: (job) => job.traceparent },
  { name: "capabilities", type: "jsonb", value: (job) => job.capabilities },
  { name: "metadata", type: "jsonb", value: (job) => job.metadata },
  { name: "routing", type: "jsonb", value: (job) => job.routing },
  { name: "candidate_set", type: "text", value: (job) => job.candidateSet },
  { name: "tokens", type: "int4", value: (job) => job.tokens },
  { name: "key_id", type: "text", value: (job) => job.keyId },
  { name: "p50_at", type: "timestamptz", value: (job) => job.estimate?.p50At },
  { name: "p95_at", type: "timestamptz", value: (job) => job.estimate?.p95At },
  { name: "expected_wait_ms", type: "int4", value: (job) => cappedMs(job.estimate?.waitMs) },
  { name: "expected_service_ms", type: "int4", value: (job) => cappedMs(job.estimate?.serviceMs) },
  { name: "response", type: "text", value: (job) => job.response },
  {
    name: "previous_response",
    type: "uuid",
    value: ({ previousResponse }) => previousResponse && uuidOf("response", previousResponse),
  },
  { name: "streamed", type: "bool", value: (job) => job.streamed ?? false },
  { name: "body", type: "bytea", value: (job) => (job.body.kind === "inline" ? job.body.bytes : undefined) },
  { name: "body_key", type: "text", value: (job) => (job.body.kind === "stored" ? job.body.key : undefined) },
];

/** The columns of `live_jobs` that come from the job as accepted. */
export const liveColumnNames = [
  "id",
  "batch_id",
  "line",
  "accepted_at",
  "effective_deadline_at",
  "deadline_at",
  "max_attempts",
  "on_miss",
  "on_ambiguous",
  "tenant_id",
  "model",
  "webhook_url",
  "webhook_payload",
  "response",
  "candidate_set",
  "tokens",
  "p95_at",
  "expected_wait_ms",
].join(", ");

/** What the columns hold. */
function cappedMs(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.min(Math.round(ms), 2_147_483_647);
}

/** Bytes of a job's request. */
export function bodySize({ body }: JobSpec): number {
  return body.kind === "inline" ? body.bytes.length : body.size;
}

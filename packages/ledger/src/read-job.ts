import {
  idFromUuid,
  type Job,
  type JobFailure,
  type JobResult,
  type JobSpec,
  type JobState,
  type Metadata,
  type OnAmbiguous,
  type OnMiss,
  type Payload,
  type ResponseKind,
  type RoutingWishes,
  type TenantId,
  type Usage,
  type WebhookPayload,
} from "@sluice/domain";

/** A row of `jobs`; `body` and `bodyKey` are absent where a statement does not read them. */
export interface SpecRow {
  readonly id: string;
  readonly tenantId: string;
  readonly model: string;
  readonly endpoint: string;
  readonly sla: string;
  readonly priority: number;
  readonly acceptedAt: number;
  readonly deadlineAt: number;
  readonly effectiveDeadlineAt: number;
  readonly onMiss: OnMiss;
  readonly onAmbiguous: OnAmbiguous;
  readonly maxAttempts: number;
  readonly bodySize: number;
  readonly body?: Buffer | null;
  readonly bodyKey?: string | null;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | null;
  readonly capabilities: readonly string[];
  readonly metadata: Metadata;
  readonly routing: RoutingWishes;
  readonly webhookUrl: string | null;
  readonly webhookPayload: WebhookPayload | null;
  readonly traceparent: string | null;
  readonly batchId: string | null;
  readonly line: number | null;
  readonly customId: string | null;
  readonly candidateSet: string;
  readonly tokens: number;
  readonly keyId: string | null;
  readonly p50At: number | null;
  readonly p95At: number | null;
  readonly expectedWaitMs: number | null;
  readonly expectedServiceMs: number | null;
  readonly streamed: boolean;
  readonly response: ResponseKind | null;
  readonly previousResponse: string | null;
}

const specColumnsWith = (
  effectiveDeadline: string,
) => `j.id, j.tenant_id, j.model, j.endpoint, j.sla, j.priority, j.accepted_at, j.deadline_at,
  ${effectiveDeadline}, j.on_miss, j.on_ambiguous, j.max_attempts, j.body_size, j.input_tokens,
  j.max_output_tokens, j.capabilities, j.metadata, j.routing, j.webhook_url, j.webhook_payload, j.traceparent, j.batch_id, j.line,
  j.custom_id, j.candidate_set, j.tokens, j.key_id, j.p50_at, j.p95_at, j.expected_wait_ms,
  j.expected_service_ms, j.streamed, j.response, j.previous_response`;

/** Columns of `jobs j` without the request itself. */
export const specColumns = specColumnsWith("j.effective_deadline_at");

/** The same of a job that is unfinished, beside `live_jobs l`: one that is late may stand back by now. */
export const liveSpecColumns = specColumnsWith("l.effective_deadline_at");

const empty: Payload = { kind: "inline", bytes: Buffer.alloc(0) };

/** A payload from its three columns; empty when they were not read. */
function payloadOf(bytes: Buffer | null | undefined, key: string | null | undefined, size: number): Payload {
  if (typeof key === "string") return { kind: "stored", key, size };
  return bytes ? { kind: "inline", bytes } : empty;
}

/** The accepted part of a job. */
export function specOf(row: SpecRow): JobSpec {
  return {
    id: idFromUuid("job", row.id),
    tenantId: row.tenantId as TenantId,
    model: row.model,
    endpoint: row.endpoint,
    sla: row.sla,
    priority: row.priority,
    acceptedAt: row.acceptedAt,
    deadlineAt: row.deadlineAt,
    effectiveDeadlineAt: row.effectiveDeadlineAt,
    onMiss: row.onMiss,
    onAmbiguous: row.onAmbiguous,
    maxAttempts: row.maxAttempts,
    body: payloadOf(row.body, row.bodyKey, row.bodySize),
    inputTokens: row.inputTokens,
    maxOutputTokens: row.maxOutputTokens ?? undefined,
    capabilities: row.capabilities,
    metadata: row.metadata,
    routing: row.routing,
    webhookUrl: row.webhookUrl ?? undefined,
    webhookPayload: row.webhookPayload ?? undefined,
    traceparent: row.traceparent ?? undefined,
    batchLine: batchLineOf(row),
    candidateSet: row.candidateSet,
    tokens: row.tokens,
    keyId: row.keyId ?? undefined,
    estimate: estimateOf(row),
    ...(row.streamed ? { streamed: true } : {}),
    ...(row.response === null ? {} : { response: row.response }),
    ...(row.previousResponse === null
      ? {}
      : { previousResponse: idFromUuid("response", row.previousResponse) }),
  };
}

function estimateOf({ p50At, p95At, ...row }: SpecRow): JobSpec["estimate"] {
  if (p50At === null || p95At === null) return undefined;
  return { p50At, p95At, waitMs: row.expectedWaitMs ?? 0, serviceMs: row.expectedServiceMs ?? 0 };
}

function batchLineOf({ batchId, line, customId }: SpecRow): JobSpec["batchLine"] {
  if (batchId === null) return undefined;
  return { batchId: idFromUuid("batch", batchId), line: line ?? 0, customId: customId ?? "" };
}

/** The columns of `outcomes o` that make a result and a failure. */
export interface ResultRow {
  readonly statusCode: number | null;
  readonly contentType: string | null;
  readonly upstreamRequestId: string | null;
  readonly resultSize: number | null;
  readonly resultBody?: Buffer | null;
  readonly resultKey?: string | null;
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
}

export const resultColumns = `o.status_code, o.content_type, o.upstream_request_id, o.result_size, o.failure_code,
  o.failure_message`;

/** How a job ended, `undefined` when the upstream gave no answer that counts. */
export function resultOf(row: ResultRow): JobResult | undefined {
  if (row.statusCode === null || row.resultSize === null) return undefined;
  return {
    statusCode: row.statusCode,
    body: payloadOf(row.resultBody, row.resultKey, row.resultSize),
    contentType: row.contentType ?? "",
    upstreamRequestId: row.upstreamRequestId ?? undefined,
  };
}

export function failureOf({ failureCode, failureMessage }: ResultRow): JobFailure | undefined {
  return failureCode === null ? undefined : { code: failureCode, message: failureMessage ?? "" };
}

export interface UsageRow {
  readonly usedInputTokens: number | null;
  readonly usedOutputTokens: number | null;
  readonly usedCachedTokens: number | null;
  readonly usedReasoningTokens: number | null;
}

/** Columns of tokens under names that do not collide with the job's own estimate. */
export function usageColumns(alias: string): string {
  return `${alias}.input_tokens AS used_input_tokens, ${alias}.output_tokens AS used_output_tokens,
    ${alias}.cached_input_tokens AS used_cached_tokens, ${alias}.reasoning_tokens AS used_reasoning_tokens`;
}

export function usageOf(row: UsageRow): Usage | undefined {
  if (row.usedInputTokens === null) return undefined;
  return {
    inputTokens: row.usedInputTokens,
    outputTokens: row.usedOutputTokens ?? 0,
    cachedInputTokens: row.usedCachedTokens ?? 0,
    reasoningTokens: row.usedReasoningTokens ?? 0,
  };
}

export interface JobRow extends SpecRow, ResultRow, UsageRow {
  readonly state: JobState;
  readonly attempts: number;
  readonly epoch: number;
  readonly notBeforeAt: number | null;
  readonly waitingFor: string | null;
  readonly finishedAt: number | null;
  readonly costUsd: number | null;
  readonly targetId: string | null;
  readonly redrivenFrom: string | null;
  readonly redrivenAs: string | null;
  readonly carriedFrom: string | null;
}

/** Where a job stands, read from `live_jobs l` and `outcomes o`: exactly one of them has a row. */
export const standingColumns = `coalesce(l.state, o.state) AS state, coalesce(l.attempts, o.attempts) AS attempts,
  coalesce(l.epoch, o.epoch) AS epoch, l.not_before_at, l.waiting_for, o.finished_at, o.cost_usd, o.target_id, o.carried_from,
  ${resultColumns},
  ${usageColumns("o")},
  (SELECT r.job_id FROM redrives r WHERE r.redriven_as = j.id) AS redriven_from,
  CASE WHEN o.state = 'dead' THEN (SELECT r.redriven_as FROM redrives r WHERE r.job_id = j.id) END AS redriven_as`;

export function jobOf(row: JobRow): Job {
  return {
    ...specOf(row),
    state: row.state,
    attempts: row.attempts,
    epoch: row.epoch,
    notBeforeAt: row.notBeforeAt ?? undefined,
    waitingFor: row.waitingFor ?? undefined,
    finishedAt: row.finishedAt ?? undefined,
    result: resultOf(row),
    failure: failureOf(row),
    usage: usageOf(row),
    costUsd: row.costUsd ?? undefined,
    targetId: row.targetId ?? undefined,
    redrivenFrom: row.redrivenFrom === null ? undefined : idFromUuid("job", row.redrivenFrom),
    redrivenAs: row.redrivenAs === null ? undefined : idFromUuid("job", row.redrivenAs),
    carriedFrom: row.carriedFrom === null ? undefined : idFromUuid("job", row.carriedFrom),
  };
}

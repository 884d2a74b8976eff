import {
  type Batch,
  type FileDetails,
  type FinishEstimate,
  finishedLines,
  isTerminal,
  type Job,
  type JobSpec,
  type Upload,
  type UploadPart,
} from "@sluice/domain";
import { jsonBody } from "./output-line.ts";

const iso = (at: number): string => new Date(at).toISOString();
const seconds = (at: number | undefined): number | null => (at === undefined ? null : Math.floor(at / 1000));

/** A predicted finish, if one can be told, and whether the job is marked as one that may be late. */
export interface EstimateToRender {
  readonly estimate: FinishEstimate | undefined;
  readonly atRisk: boolean;
}

function estimateView({ estimate, atRisk }: EstimateToRender): Record<string, unknown> {
  const moment = (at: number | undefined) => (at === undefined ? null : iso(at));
  return { estimate: { p50_at: moment(estimate?.p50At), p95_at: moment(estimate?.p95At), at_risk: atRisk } };
}

/** A just accepted job, as `POST /v1/jobs` answers it. */
export function renderAccepted(spec: JobSpec, estimate: EstimateToRender): string {
  return JSON.stringify({ ...jobHead(spec, "queued"), ...estimateView(estimate) });
}

/** A job as its owner reads it; `body` are the bytes of its result, `estimate` is for one that has not ended. */
export function renderJob(job: Job, body: Buffer | undefined, estimate?: EstimateToRender): string {
  const progress = { ...progressOf(job), ...(estimate === undefined ? {} : estimateView(estimate)) };
  const head = JSON.stringify({ ...jobHead(job, job.state), ...progress, ...endOf(job) });
  if (job.result === undefined || body === undefined) return head;
  const result = `,"result":{"status_code":${job.result.statusCode},"body":${jsonBody(job.result, body).toString("utf8")}}}`;
  return head.slice(0, -1) + result;
}

function jobHead(job: JobSpec, status: Job["state"]): Record<string, unknown> {
  return {
    id: job.id,
    object: "job",
    status,
    model: job.model,
    endpoint: job.endpoint,
    sla: job.sla,
    priority: job.priority,
    deadline: iso(job.deadlineAt),
    created_at: iso(job.acceptedAt),
    metadata: job.metadata,
    ...(job.batchLine === undefined
      ? {}
      : { batch_id: job.batchLine.batchId, custom_id: job.batchLine.customId }),
  };
}

function progressOf(job: Job): Record<string, unknown> {
  const waiting = job.state === "waiting" && job.notBeforeAt !== undefined;
  return {
    attempts: job.attempts,
    ...(waiting ? { not_before: iso(job.notBeforeAt ?? 0) } : {}),
    ...(waiting && job.waitingFor !== undefined ? { waiting_for: job.waitingFor } : {}),
    ...(job.redrivenFrom === undefined ? {} : { redriven_from: job.redrivenFrom }),
  };
}

function endOf(job: Job): Record<string, unknown> {
  if (!isTerminal(job.state)) return {};
  return {
    finished_at: job.finishedAt === undefined ? null : iso(job.finishedAt),
    target: job.targetId ?? null,
    usage:
      job.usage === undefined
        ? null
        : {
            input_tokens: job.usage.inputTokens,
            output_tokens: job.usage.outputTokens,
            cost_usd: job.costUsd ?? 0,
          },
    ...(job.failure === undefined ? {} : { error: job.failure }),
    ...(job.redrivenAs === undefined ? {} : { redriven_as: job.redrivenAs }),
    ...(job.carriedFrom === undefined ? {} : { carried_from: job.carriedFrom }),
  };
}

/**
 * A batch in OpenAI's shape; the two file ids appear as soon as their files hold a line. `estimate` is that of its last
 * line, for one that has not ended.
 */
export function renderBatch(batch: Batch, estimate?: EstimateToRender): Record<string, unknown> {
  const { counts } = batch;
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.endpoint,
    model: null,
    errors: batch.errors.length === 0 ? null : { object: "list", data: batch.errors.map(renderLineError) },
    input_file_id: batch.inputFileId,
    completion_window: batch.completionWindow,
    status: batch.status,
    output_file_id: counts.succeeded > 0 ? batch.outputFileId : null,
    error_file_id: finishedLines(counts) > counts.succeeded ? batch.errorFileId : null,
    created_at: seconds(batch.createdAt),
    in_progress_at: seconds(batch.inProgressAt),
    expires_at: seconds(batch.expiresAt),
    finalizing_at: seconds(batch.finalizingAt),
    completed_at: seconds(batch.completedAt),
    failed_at: seconds(batch.failedAt),
    expired_at: seconds(batch.expiredAt),
    cancelling_at: seconds(batch.cancellingAt),
    cancelled_at: seconds(batch.cancelledAt),
    request_counts: {
      total: counts.total,
      completed: counts.succeeded,
      failed: counts.failed + counts.dead + counts.expired,
    },
    usage: {
      input_tokens: counts.usage.inputTokens,
      input_tokens_details: { cached_tokens: counts.usage.cachedInputTokens },
      output_tokens: counts.usage.outputTokens,
      output_tokens_details: { reasoning_tokens: counts.usage.reasoningTokens },
      total_tokens: counts.usage.inputTokens + counts.usage.outputTokens,
    },
    metadata: batch.metadata ?? null,
    sla: batch.sla,
    priority: batch.priority,
    cost_usd: counts.costUsd,
    max_spend_usd: batch.maxSpendUsd ?? null,
    stop_on_error_rate: batch.stopOnErrorRate ?? null,
    retry_of: batch.retryOf ?? null,
    retried_as: batch.retriedAs ?? null,
    resume_from: batch.resumeFrom ?? null,
    ...(estimate === undefined ? {} : estimateView(estimate)),
  };
}

function renderLineError(error: Batch["errors"][number]): Record<string, unknown> {
  return { code: error.code, line: error.line ?? null, message: error.message, param: error.param ?? null };
}

/** A file in OpenAI's shape. */
export function renderFile(file: FileDetails): Record<string, unknown> {
  return {
    id: file.id,
    object: "file",
    bytes: file.bytes,
    created_at: seconds(file.createdAt),
    filename: file.filename,
    purpose: file.purpose,
    status: "processed",
    ...(file.expiresAt === undefined ? {} : { expires_at: seconds(file.expiresAt) }),
  };
}

/** An upload in OpenAI's shape; `file` once it is completed. */
export function renderUpload(upload: Upload, file?: FileDetails): Record<string, unknown> {
  return {
    id: upload.id,
    object: "upload",
    bytes: upload.bytes,
    created_at: seconds(upload.createdAt),
    expires_at: seconds(upload.expiresAt),
    filename: upload.filename,
    purpose: upload.purpose,
    status: upload.status,
    file: file === undefined ? null : renderFile(file),
  };
}

/** A part of an upload in OpenAI's shape. */
export function renderPart(part: UploadPart): Record<string, unknown> {
  return {
    id: part.id,
    object: "upload.part",
    created_at: seconds(part.createdAt),
    upload_id: part.uploadId,
  };
}

/** A page of a list, as OpenAI's clients read it. `items` may hold one more than `limit`. */
export function renderList<T extends { id?: unknown }>(
  items: readonly T[],
  limit: number,
): Record<string, unknown> {
  const data = items.slice(0, limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: items.length > limit,
  };
}

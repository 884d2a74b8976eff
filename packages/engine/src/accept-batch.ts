import { mayServe } from "@sluice/dialects";
import {
  type AcceptResult,
  type Batch,
  type BatchLedger,
  type BatchSpec,
  type Clock,
  type EngineConfig,
  type FileId,
  type FileLedger,
  type FileRecord,
  type IdempotencyKey,
  type IdQueue,
  type IdSource,
  idFromUuid,
  isId,
  type JobLedger,
  type Logger,
  type Metadata,
  type RoutingWishes,
  SluiceError,
  type TenantId,
  type WebhookPayload,
} from "@sluice/domain";
import { parseDuration } from "@sluice/scheduling";
import { type EarlierBatch, findEarlier } from "./earlier-batch.ts";
import { hasExpired } from "./file-rules.ts";
import { answerOfFirst } from "./repeated-call.ts";
import { checkedPriority, longestDeadlineMs, readDeadline, slaClass } from "./spec-job.ts";

export interface AcceptBatchPorts {
  readonly ledger: Pick<BatchLedger, "createBatch" | "findBatch"> &
    Pick<FileLedger, "findFile"> &
    Pick<JobLedger, "findClaim">;
  readonly batches: IdQueue;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: () => EngineConfig;
}

export interface AcceptBatchRequest {
  readonly tenantId: TenantId;
  /** This and the two below need not be said of a retry: it has them from the batch that it retries. */
  readonly inputFileId?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly completionWindow?: string | undefined;
  readonly sla?: string | undefined;
  readonly priority?: number | undefined;
  readonly metadata?: Metadata | undefined;
  readonly routing?: RoutingWishes | undefined;
  readonly webhookUrl?: string | undefined;
  readonly webhookPayload?: WebhookPayload | undefined;
  readonly webhookJobs?: boolean | undefined;
  readonly traceparent?: string | undefined;
  readonly keyId?: string | undefined;
  readonly maxSpendUsd?: number | undefined;
  readonly stopOnErrorRate?: number | undefined;
  readonly outputLifeSeconds?: number | undefined;
  /** A duration from now or a moment, in place of the window. */
  readonly deadline?: string | undefined;
  /** An ended batch whose lines that did not succeed are to be run. What is not said is as there, but for budgets. */
  readonly retryOf?: string | undefined;
  /** An ended batch whose results stand in for lines with the same custom_id and body. */
  readonly resumeFrom?: string | undefined;
  readonly idempotency?: IdempotencyKey | undefined;
  /** The answer's body for a new batch. */
  readonly render: (spec: BatchSpec) => string;
}

/** Records a batch for validation. Throws {@link SluiceError} naming the field at fault. */
export async function acceptBatch(
  ports: AcceptBatchPorts,
  request: AcceptBatchRequest,
): Promise<{ result: AcceptResult; body: string }> {
  let spec: BatchSpec;
  try {
    spec = await specBatch(ports, request);
  } catch (refusal) {
    return { result: await answerOfFirst(ports, request, refusal), body: "" };
  }
  return recordBatch(ports, spec, request);
}

/** How a new batch is recorded. */
export interface BatchRecord {
  readonly idempotency?: IdempotencyKey | undefined;
  readonly render: (spec: BatchSpec) => string;
  /** A file of its own. */
  readonly input?: FileRecord;
}

/** Commits a batch and has it validated. */
export async function recordBatch(
  ports: Pick<AcceptBatchPorts, "batches" | "logger"> & {
    readonly ledger: Pick<AcceptBatchPorts["ledger"], "createBatch">;
  },
  spec: BatchSpec,
  { idempotency, render, input }: BatchRecord,
): Promise<{ result: AcceptResult; body: string }> {
  const body = render(spec);
  const claim = idempotency === undefined ? undefined : { ...idempotency, response: { status: 200, body } };
  const result = await ports.ledger.createBatch(spec, claim, input);
  if (result.kind === "accepted") {
    await ports.batches.add([{ id: spec.id }]).catch((error: unknown) => {
      ports.logger.warn(
        { batchId: spec.id, err: error },
        "the batches queue did not answer; the dispatcher will find the batch",
      );
    });
  }
  return { result, body };
}

async function specBatch(ports: AcceptBatchPorts, request: AcceptBatchRequest): Promise<BatchSpec> {
  const config = ports.config();
  const earlier = await findEarlier(ports.ledger, request);
  const retried = earlier?.param === "retry_of" ? earlier.batch : undefined;
  const asked = { ...kept(retried), ...said(request) };
  const { endpoint = "", completionWindow = "" } = asked;
  requireEndpoint(config, endpoint);
  requireSameEndpoint(earlier, endpoint);
  const windowMs = requireWindow(completionWindow);
  const inputFileId = await requireInput(ports, request, retried);
  return {
    ...newBatch(ports, asked, windowMs),
    dialect: "openai",
    inputFileId,
    endpoint,
    completionWindow,
    metadata: asked.metadata,
    routing: asked.routing ?? {},
    webhookUrl: asked.webhookUrl,
    webhookPayload: asked.webhookPayload,
    webhookJobs: asked.webhookJobs ?? false,
    maxSpendUsd: request.maxSpendUsd,
    stopOnErrorRate: request.stopOnErrorRate,
    outputLifeSeconds: asked.outputLifeSeconds,
    retryOf: retried?.id,
    resumeFrom: earlier?.param === "resume_from" ? earlier.batch.id : undefined,
  };
}

/** What a new batch has, by whichever API it came; without a deadline it ends after `windowMs`. */
export function newBatch(
  ports: Pick<AcceptBatchPorts, "config" | "ids" | "clock">,
  request: Pick<AcceptBatchRequest, "tenantId" | "keyId" | "traceparent" | "sla" | "priority" | "deadline">,
  windowMs: number,
) {
  const config = ports.config();
  const sla = slaClass(config, request.sla ?? (config.slaClasses.batch === undefined ? undefined : "batch"));
  const now = ports.clock.now();
  return {
    id: idFromUuid("batch", ports.ids.uuid()),
    tenantId: request.tenantId,
    outputFileId: idFromUuid("file", ports.ids.uuid()),
    errorFileId: idFromUuid("file", ports.ids.uuid()),
    createdAt: now,
    expiresAt: readDeadline(request.deadline, now) ?? now + windowMs,
    sla: sla.name,
    priority: checkedPriority(config, request),
    onMiss: sla.onMiss,
    onAmbiguous: sla.onAmbiguous,
    maxAttempts: config.retry.maxAttempts,
    traceparent: request.traceparent,
    keyId: request.keyId,
  };
}

/** What a retry has from the batch that it retries, unless it says otherwise. */
function kept(retried: Batch | undefined): Partial<AcceptBatchRequest> {
  if (retried === undefined) return {};
  const { endpoint, completionWindow, sla, priority, metadata, routing, outputLifeSeconds } = retried;
  const { webhookUrl, webhookPayload, webhookJobs } = retried;
  const tags = { sla, priority, metadata, routing, outputLifeSeconds };
  return { endpoint, completionWindow, ...tags, webhookUrl, webhookPayload, webhookJobs };
}

/** The fields that a request has. */
function said(request: AcceptBatchRequest): AcceptBatchRequest {
  const fields = Object.entries(request).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields) as unknown as AcceptBatchRequest;
}

function requireWindow(completionWindow: string): number {
  const windowMs = parseDuration(completionWindow);
  if (windowMs !== undefined && windowMs > 0 && windowMs <= longestDeadlineMs) return windowMs;
  const message = "'completion_window' must be a duration such as 24h, at most ten years.";
  throw new SluiceError("invalid_value", message, { param: "completion_window" });
}

/** The answers of another endpoint are none of these lines. */
function requireSameEndpoint(earlier: EarlierBatch | undefined, endpoint: string): void {
  if (earlier === undefined || earlier.batch.endpoint === endpoint) return;
  const message = `'endpoint' must be that of '${earlier.param}', ${earlier.batch.endpoint}.`;
  throw new SluiceError("invalid_value", message, { param: "endpoint" });
}

/** Throws `unsupported_endpoint` unless any target serves it. */
export function requireEndpoint(config: EngineConfig, endpoint: string): void {
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  if (targets.some((target) => mayServe(target.endpoints, endpoint))) return;
  throw new SluiceError("unsupported_endpoint", "No target of the configuration serves this endpoint.", {
    param: "endpoint",
  });
}

async function requireInput(
  ports: AcceptBatchPorts,
  { tenantId, inputFileId: id }: AcceptBatchRequest,
  retried: Batch | undefined,
): Promise<FileId> {
  // A retry does not read its file, which may be gone.
  if (retried !== undefined && (id ?? retried.inputFileId) === retried.inputFileId)
    return retried.inputFileId;
  const param = "input_file_id";
  if (retried !== undefined)
    throw new SluiceError("invalid_value", "'input_file_id' must be that of 'retry_of'.", { param });
  const file = isId("file", id ?? "") ? await ports.ledger.findFile(tenantId, id as FileId) : undefined;
  if (file === undefined || hasExpired(file, ports.clock.now()))
    throw new SluiceError("not_found", `No such file: '${id?.slice(0, 64) ?? ""}'.`, { param });
  if (file.purpose !== "batch")
    throw new SluiceError("invalid_value", "The input file's purpose must be 'batch'.", { param });
  return file.id;
}

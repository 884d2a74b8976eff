import {
  type AcceptResult,
  type BatchLedger,
  type BatchSpec,
  type Clock,
  type EngineConfig,
  type FileLedger,
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
import { hasExpired } from "./file-rules.ts";
import { answerOfFirst } from "./repeated-call.ts";
import { checkedPriority, longestDeadlineMs, readDeadline, slaClass } from "./spec-job.ts";

export interface AcceptBatchPorts {
  readonly ledger: Pick<BatchLedger, "createBatch"> &
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
  readonly inputFileId: string;
  readonly endpoint: string;
  readonly completionWindow: string;
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
  const body = request.render(spec);
  const claim =
    request.idempotency === undefined
      ? undefined
      : { ...request.idempotency, response: { status: 200, body } };
  const result = await ports.ledger.createBatch(spec, claim);
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
  requireEndpoint(config, request.endpoint);
  const windowMs = parseDuration(request.completionWindow);
  if (windowMs === undefined || windowMs <= 0 || windowMs > longestDeadlineMs) {
    throw new SluiceError(
      "invalid_value",
      "'completion_window' must be a duration such as 24h, at most ten years.",
      {
        param: "completion_window",
      },
    );
  }
  const inputFileId = await requireInput(ports, request);
  const sla = slaClass(config, request.sla ?? (config.slaClasses.batch === undefined ? undefined : "batch"));
  const now = ports.clock.now();
  return {
    id: idFromUuid("batch", ports.ids.uuid()),
    tenantId: request.tenantId,
    inputFileId,
    outputFileId: idFromUuid("file", ports.ids.uuid()),
    errorFileId: idFromUuid("file", ports.ids.uuid()),
    endpoint: request.endpoint,
    completionWindow: request.completionWindow,
    createdAt: now,
    expiresAt: readDeadline(request.deadline, now) ?? now + windowMs,
    sla: sla.name,
    priority: checkedPriority(config, request),
    onMiss: sla.onMiss,
    onAmbiguous: sla.onAmbiguous,
    maxAttempts: config.retry.maxAttempts,
    metadata: request.metadata,
    routing: request.routing ?? {},
    webhookUrl: request.webhookUrl,
    webhookPayload: request.webhookPayload,
    webhookJobs: request.webhookJobs ?? false,
    traceparent: request.traceparent,
    keyId: request.keyId,
    maxSpendUsd: request.maxSpendUsd,
    stopOnErrorRate: request.stopOnErrorRate,
    outputLifeSeconds: request.outputLifeSeconds,
  };
}

function requireEndpoint(config: EngineConfig, endpoint: string): void {
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  if (targets.some((target) => target.endpoints.includes(endpoint))) return;
  throw new SluiceError("unsupported_endpoint", "No target of the configuration serves this endpoint.", {
    param: "endpoint",
  });
}

async function requireInput(ports: AcceptBatchPorts, request: AcceptBatchRequest) {
  const id = request.inputFileId;
  const file = isId("file", id) ? await ports.ledger.findFile(request.tenantId, id) : undefined;
  if (file === undefined || hasExpired(file, ports.clock.now())) {
    throw new SluiceError("not_found", `No such file: '${id.slice(0, 64)}'.`, { param: "input_file_id" });
  }
  if (file.purpose !== "batch") {
    throw new SluiceError("invalid_value", "The input file's purpose must be 'batch'.", {
      param: "input_file_id",
    });
  }
  return file.id;
}

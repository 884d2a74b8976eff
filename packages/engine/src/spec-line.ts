import {
  type Batch,
  type Clock,
  type EngineConfig,
  type FileStore,
  type IdSource,
  idFromUuid,
  type JobSpec,
  type Payload,
  type RouteRequest,
} from "@sluice/domain";
import { chargedTokens, effectiveDeadlineAt } from "@sluice/scheduling";
import type { Payers } from "./budgets.ts";
import { payloadOf } from "./payloads.ts";
import { candidateSetOf } from "./spec-job.ts";

/** What the engine reads of a valid line (contracts). */
export interface ReadBatchLine {
  readonly customId: string;
  readonly body: Buffer;
  readonly model: string;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | undefined;
  readonly capabilities: readonly string[];
  /** The parsed request, for rules that read it. */
  readonly parsedBody: RouteRequest["body"];
}

export interface SpecLinePorts {
  readonly files: Pick<FileStore, "put">;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly config: () => EngineConfig;
}

/** Builds the job of one line, as its batch says; its body goes into the file store when it is large. */
export async function specLine(
  ports: SpecLinePorts,
  batch: Batch,
  payers: Payers,
  line: ReadBatchLine & { readonly number: number },
): Promise<JobSpec> {
  return lineJob(ports, batch, payers, { ...line, body: await payloadOf(line.body, ports.files) });
}

/** A line whose request is kept already. */
export type KeptLine = Omit<ReadBatchLine, "body"> & { readonly number: number; readonly body: Payload };

/** Builds the job of one line whose request is kept already. */
export function lineJob(
  ports: Pick<SpecLinePorts, "ids" | "clock" | "config">,
  batch: Batch,
  payers: Payers,
  line: KeptLine,
): JobSpec {
  const { priority, createdAt: acceptedAt, expiresAt: deadlineAt } = batch;
  const id = idFromUuid("job", ports.ids.uuid());
  const terms = { ...line, ...batch, ...payers, model: line.model, deadlineAt, metadata: {} };
  return {
    id,
    tenantId: batch.tenantId,
    model: line.model,
    endpoint: batch.endpoint,
    sla: batch.sla,
    priority,
    acceptedAt,
    deadlineAt,
    effectiveDeadlineAt: effectiveDeadlineAt({ acceptedAt, deadlineAt, priority }),
    onMiss: batch.onMiss,
    onAmbiguous: batch.onAmbiguous,
    maxAttempts: batch.maxAttempts,
    body: line.body,
    inputTokens: line.inputTokens,
    maxOutputTokens: line.maxOutputTokens,
    capabilities: line.capabilities,
    metadata: {},
    routing: batch.routing,
    webhookUrl: batch.webhookJobs ? batch.webhookUrl : undefined,
    webhookPayload: batch.webhookPayload,
    traceparent: batch.traceparent,
    batchLine: { batchId: batch.id, line: line.number, customId: line.customId },
    candidateSet: candidateSetOf(ports.config(), terms, { id, now: ports.clock.now() }),
    tokens: chargedTokens({ ...line, endpoint: batch.endpoint }),
    keyId: batch.keyId,
    estimate: undefined,
  };
}

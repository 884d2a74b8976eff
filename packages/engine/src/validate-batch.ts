import {
  type Batch,
  type BatchId,
  type BatchLedger,
  type BatchLineError,
  type Clock,
  type EngineConfig,
  type FileLedger,
  type FileStore,
  type IdQueue,
  type IdSource,
  idFromUuid,
  type JobSpec,
  type Logger,
  type Metrics,
  maxBatchErrors,
  SluiceError,
  type Verdict,
} from "@sluice/domain";
import { effectiveDeadlineAt } from "@sluice/scheduling";
import { payloadOf } from "./accept-job.ts";
import { newEventIds } from "./end-job.ts";
import { requireServed } from "./spec-job.ts";
import { isBlank, type RawLine, splitLines } from "./split-lines.ts";

/** What the engine reads of a valid line (contracts). */
export interface ReadBatchLine {
  readonly customId: string;
  readonly body: Buffer;
  readonly model: string;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | undefined;
  readonly capabilities: readonly string[];
}

export type LineReader = (
  bytes: Buffer,
  endpoint: string,
) =>
  | { readonly ok: true; readonly line: ReadBatchLine }
  | { readonly ok: false; readonly error: Omit<BatchLineError, "line"> };

export interface ValidateBatchPorts {
  readonly ledger: Pick<BatchLedger, "claimValidation" | "insertLines" | "failBatch"> &
    Pick<FileLedger, "findFile">;
  readonly files: FileStore;
  readonly deliveries: IdQueue;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: () => EngineConfig;
  readonly readLine: LineReader;
  /** Names this process in the claim. */
  readonly holder: string;
}

/** A validation that lasts longer than this may be begun again by another process. */
const validationLeaseMs = 120_000;

class InvalidBatch extends Error {
  readonly errors: readonly BatchLineError[];
  readonly total: number;
  constructor(errors: readonly BatchLineError[], total: number) {
    super("the batch file is not valid");
    this.errors = errors;
    this.total = total;
  }
}

/**
 * Reads a batch's file once, streaming: its jobs go into the ledger in one transaction that is committed only when
 * the last line was valid, so nothing of an invalid batch ever runs.
 */
export async function validateBatch(ports: ValidateBatchPorts, id: BatchId): Promise<Verdict> {
  const batch = await ports.ledger.claimValidation(id, ports.holder, validationLeaseMs);
  if (batch === undefined) return { kind: "done", reference: "not mine" };
  try {
    const inserted = await ports.ledger.insertLines(id, ports.holder, readJobs(ports, batch), () =>
      ports.clock.now(),
    );
    if (inserted === undefined) return { kind: "done", reference: "cancelled" };
    ports.metrics.increment("sluice_jobs_accepted_total", { sla: batch.sla }, inserted.total);
    ports.logger.info({ batchId: id, lines: inserted.total }, "batch is valid");
    return { kind: "done", reference: id };
  } catch (error) {
    if (!(error instanceof InvalidBatch)) throw error;
    const deliveryId = await ports.ledger.failBatch(
      id,
      error.errors,
      error.total,
      ports.clock.now(),
      newEventIds(ports.ids),
    );
    if (deliveryId !== undefined) await ports.deliveries.add([{ id: deliveryId }]);
    ports.logger.info({ batchId: id, errors: error.errors.length }, "batch file is not valid");
    return { kind: "failed", code: "invalid_batch" };
  }
}

/** Yields the jobs of a batch's lines; throws {@link InvalidBatch} at the end when any line was at fault. */
async function* readJobs(ports: ValidateBatchPorts, batch: Batch): AsyncGenerator<JobSpec[]> {
  const content = await openInput(ports, batch);
  const { limits } = ports.config();
  const errors: BatchLineError[] = [];
  const seen = new Map<string, number>();
  let total = 0;
  for await (const lines of splitLines(content, limits.jobBodyBytes + 4096)) {
    const jobs: JobSpec[] = [];
    for (const raw of lines) {
      if (!raw.tooLong && isBlank(raw.bytes)) continue;
      total += 1;
      const read = readOne(ports, batch, raw, seen);
      if ("error" in read) errors.push({ ...read.error, line: raw.number });
      else if (errors.length === 0) jobs.push(await specLine(ports, batch, raw.number, read.line));
      if (errors.length >= maxBatchErrors) throw new InvalidBatch(errors, total);
    }
    if (total > limits.batchLines) throw new InvalidBatch([tooManyLines(limits.batchLines)], total);
    if (errors.length === 0 && jobs.length > 0) yield jobs;
  }
  if (total === 0)
    errors.push({
      code: "empty_file",
      line: undefined,
      message: "The file has no lines.",
      param: "input_file_id",
    });
  if (errors.length > 0) throw new InvalidBatch(errors, total);
}

async function openInput(ports: ValidateBatchPorts, batch: Batch) {
  const file = await ports.ledger.findFile(batch.tenantId, batch.inputFileId);
  if (file?.content.kind === "stored") return ports.files.open(file.content.key);
  const message = "The input file is not there any more.";
  throw new InvalidBatch([{ code: "not_found", line: undefined, message, param: "input_file_id" }], 0);
}

type OneLine = { readonly line: ReadBatchLine } | { readonly error: Omit<BatchLineError, "line"> };

function readOne(ports: ValidateBatchPorts, batch: Batch, raw: RawLine, seen: Map<string, number>): OneLine {
  const config = ports.config();
  if (raw.tooLong) {
    const message = `This line is longer than ${config.limits.jobBodyBytes} bytes.`;
    return { error: { code: "payload_too_large", message, param: undefined } };
  }
  const read = ports.readLine(raw.bytes, batch.endpoint);
  if (!read.ok) return read;
  const first = seen.get(read.line.customId);
  if (first !== undefined) {
    const message = `This custom_id stands in line ${first} already.`;
    return { error: { code: "duplicate_custom_id", message, param: "custom_id" } };
  }
  seen.set(read.line.customId, raw.number);
  return servable(config, batch, read.line);
}

function servable(config: EngineConfig, batch: Batch, line: ReadBatchLine): OneLine {
  try {
    requireServed(config, line.model, batch.endpoint);
    return { line };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { error: { code: error.code, message: error.message, param: error.param } };
  }
}

function tooManyLines(most: number): BatchLineError {
  return {
    code: "too_many_lines",
    line: undefined,
    message: `A batch may have at most ${most} lines.`,
    param: "input_file_id",
  };
}

async function specLine(
  ports: ValidateBatchPorts,
  batch: Batch,
  number: number,
  line: ReadBatchLine,
): Promise<JobSpec> {
  const { priority, createdAt: acceptedAt, expiresAt: deadlineAt } = batch;
  return {
    id: idFromUuid("job", ports.ids.uuid()),
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
    body: await payloadOf(line.body, ports.files),
    inputTokens: line.inputTokens,
    maxOutputTokens: line.maxOutputTokens,
    capabilities: line.capabilities,
    metadata: {},
    routing: batch.routing,
    webhookUrl: batch.webhookJobs ? batch.webhookUrl : undefined,
    traceparent: batch.traceparent,
    batchLine: { batchId: batch.id, line: number, customId: line.customId },
  };
}

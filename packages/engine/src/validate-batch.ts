import {
  type Batch,
  type BatchErrorCode,
  type BatchId,
  type BatchLedger,
  type BatchLineError,
  type BudgetLedger,
  type Clock,
  type EngineConfig,
  type FileLedger,
  FileMissing,
  type FileStore,
  type IdQueue,
  type IdSource,
  type JobSpec,
  type Logger,
  type Metrics,
  maxBatchErrors,
  SluiceError,
  type Verdict,
} from "@sluice/domain";
import type { Payers } from "./budgets.ts";
import { newEventIds } from "./end-job.ts";
import { type BatchAdmission, type BatchAdmissionPorts, openBatchAdmission } from "./forecast/admit-batch.ts";
import { openStored } from "./open-content.ts";
import { requireServed } from "./spec-job.ts";
import { type ReadBatchLine, specLine } from "./spec-line.ts";
import { isBlank, type RawLine, splitLines } from "./split-lines.ts";

export type LineReader = (
  bytes: Buffer,
  endpoint: string,
) =>
  | { readonly ok: true; readonly line: ReadBatchLine }
  | { readonly ok: false; readonly error: Omit<BatchLineError, "line"> };

export interface ValidateBatchPorts {
  readonly ledger: Pick<BatchLedger, "claimValidation" | "insertLines" | "failBatch"> &
    Pick<FileLedger, "findInput"> &
    Pick<BudgetLedger, "keyUsdPerDay">;
  readonly forecaster: BatchAdmissionPorts["forecaster"];
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

/** What a line may hold beside its body: custom_id, method, url, white space. */
const envelopeBytes = 4096;

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
  const admission = await openBatchAdmission(ports, batch.tenantId);
  try {
    const inserted = await insertLines(ports, batch, admission);
    if (inserted === undefined) return { kind: "done", reference: "cancelled" };
    ports.metrics.increment("sluice_jobs_accepted_total", { sla: batch.sla }, inserted.total);
    ports.logger.info({ batchId: id, lines: inserted.total }, "batch is valid");
    return { kind: "done", reference: id };
  } catch (error) {
    if (!(error instanceof InvalidBatch)) throw error;
    const deliveryIds = await ports.ledger.failBatch(
      id,
      error.errors,
      error.total,
      ports.clock.now(),
      newEventIds(ports.ids),
    );
    if (deliveryIds.length > 0) await ports.deliveries.add(deliveryIds.map((id) => ({ id })));
    ports.logger.info({ batchId: id, errors: error.errors.length }, "batch file is not valid");
    return { kind: "failed", code: "invalid_batch" };
  }
}

async function insertLines(ports: ValidateBatchPorts, batch: Batch, admission: BatchAdmission) {
  let counted = { committed: () => {}, dropped: () => {} };
  async function* lines(): AsyncGenerator<JobSpec[]> {
    let total = 0;
    for await (const jobs of readJobs(ports, batch)) {
      total += jobs.length;
      yield jobs.map((job) => ({ ...job, estimate: admission.take(job) }));
    }
    const end = admission.close();
    if ("fault" in end) throw new InvalidBatch([{ ...end.fault, line: undefined }], total);
    counted = end;
  }
  try {
    const now = () => ports.clock.now();
    const inserted = await ports.ledger.insertLines(batch.id, ports.holder, lines(), now);
    if (inserted === undefined) counted.dropped();
    else counted.committed();
    return inserted;
  } catch (error) {
    counted.dropped();
    throw error;
  }
}

/** Yields the jobs of a batch's lines; throws {@link InvalidBatch} at the end when any line was at fault. */
async function* readJobs(ports: ValidateBatchPorts, batch: Batch): AsyncGenerator<JobSpec[]> {
  const content = openInput(ports, batch);
  const payers = await payersOf(ports, batch);
  const { limits } = ports.config();
  const errors: BatchLineError[] = [];
  const seen = new Map<string, number>();
  let total = 0;
  for await (const lines of splitLines(content, limits.jobBodyBytes + envelopeBytes)) {
    const jobs: JobSpec[] = [];
    for (const raw of lines) {
      if (!raw.tooLong && isBlank(raw.bytes)) continue;
      total += 1;
      const read = readOne(ports, batch, raw, seen);
      if ("error" in read) errors.push({ ...read.error, line: raw.number });
      else if (errors.length === 0)
        jobs.push(await specLine(ports, batch, payers, { ...read.line, number: raw.number }));
      if (errors.length >= maxBatchErrors) throw new InvalidBatch(errors, total);
    }
    if (total > limits.batchLines) throw new InvalidBatch([tooManyLines(limits.batchLines)], total);
    if (errors.length === 0 && jobs.length > 0) yield jobs;
  }
  if (total === 0)
    errors.push({ ...fault("empty_file", "The file has no lines.", "input_file_id"), line: undefined });
  if (errors.length > 0) throw new InvalidBatch(errors, total);
}

/** The file's bytes. One that is gone, wholly or in part, is a fault of the batch, and not of this process. */
async function* openInput(ports: ValidateBatchPorts, batch: Batch): AsyncGenerator<Buffer> {
  const file = await ports.ledger.findInput(batch.tenantId, batch.inputFileId);
  if (file === undefined || file.content.kind === "view") throw missingInput();
  try {
    yield* await openStored(ports.files, file.content);
  } catch (error) {
    if (error instanceof FileMissing) throw missingInput();
    throw error;
  }
}

function missingInput(): InvalidBatch {
  const message = "The input file is not there any more.";
  return new InvalidBatch([{ ...fault("not_found", message, "input_file_id"), line: undefined }], 0);
}

/** A fault of a line, or of the file when it gets no line. */
function fault(
  code: BatchErrorCode,
  message: string,
  param: string | undefined,
): Omit<BatchLineError, "line"> {
  return { code, message, param };
}

type OneLine = { readonly line: ReadBatchLine } | { readonly error: Omit<BatchLineError, "line"> };

function readOne(ports: ValidateBatchPorts, batch: Batch, raw: RawLine, seen: Map<string, number>): OneLine {
  const config = ports.config();
  const most = config.limits.jobBodyBytes;
  if (raw.tooLong)
    return { error: fault("payload_too_large", `This line is longer than ${most} bytes.`, undefined) };
  const read = ports.readLine(raw.bytes, batch.endpoint);
  if (!read.ok) return read;
  if (read.line.body.length > most)
    return { error: fault("payload_too_large", `'body' may be at most ${most} bytes.`, "body") };
  const first = seen.get(read.line.customId);
  if (first !== undefined) {
    const message = `This custom_id stands in line ${first} already.`;
    return { error: fault("duplicate_custom_id", message, "custom_id") };
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
    return { error: fault(error.code, error.message, error.param) };
  }
}

function tooManyLines(most: number): BatchLineError {
  const message = `A batch may have at most ${most} lines.`;
  return { ...fault("too_many_lines", message, "input_file_id"), line: undefined };
}

/** Whose money the lines spend. */
async function payersOf({ ledger }: ValidateBatchPorts, batch: Batch): Promise<Payers> {
  const { id: batchId, tenantId, keyId, maxSpendUsd } = batch;
  const keyUsdPerDay = keyId === undefined ? undefined : await ledger.keyUsdPerDay(keyId);
  return { tenantId, keyId, keyUsdPerDay, batchId, maxSpendUsd };
}

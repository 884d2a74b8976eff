import {
  type Batch,
  type BatchId,
  type BatchLedger,
  type BudgetLedger,
  type CarryOver,
  type Clock,
  type FileLedger,
  FileMissing,
  type FileStore,
  type IdQueue,
  type IdSource,
  type Logger,
  type Metrics,
  type NewLine,
  type Verdict,
} from "@sluice/domain";
import type { Payers } from "./budgets.ts";
import { type CheckLinesPorts, checkLines } from "./check-lines.ts";
import { newEventIds } from "./end-job.ts";
import { type BatchAdmissionPorts, openBatchAdmission } from "./forecast/admit-batch.ts";
import { faultOfFile, InvalidBatch } from "./invalid-batch.ts";
import { type MessageLinePorts, messageLines } from "./message-lines.ts";
import { openStored } from "./open-content.ts";
import { retryLines } from "./retry-lines.ts";
import { specLine } from "./spec-line.ts";
import { splitLines } from "./split-lines.ts";
import { claimValidation, type ValidationClaim } from "./validation-claim.ts";

export interface ValidateBatchPorts extends CheckLinesPorts, MessageLinePorts {
  readonly ledger: Pick<BatchLedger, "claimValidation" | "insertLines" | "readRetryLines" | "failBatch"> &
    Pick<FileLedger, "findInput"> &
    Pick<BudgetLedger, "keyUsdPerDay">;
  readonly forecaster: BatchAdmissionPorts["forecaster"];
  readonly files: FileStore;
  readonly deliveries: IdQueue;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Length of a line whose result is taken over (contracts). */
  readonly carriedLineBytes: CarryOver["lineBytesOf"];
  /** Names this process in the claim. */
  readonly holder: string;
}

/** What a line may hold beside its body: custom_id, method, url, white space. */
const envelopeBytes = 4096;

/** So few that what is read is still young when it is done with: the heap does not grow with the file. */
const [linesAtOnce, chunkBytes] = [32, 16_384];

/** Ends the reading of a file whose batch was cancelled or is validated elsewhere. */
class NotOurs extends Error {}

/**
 * Reads a batch's lines once, streaming: its jobs go into the ledger in one transaction that is committed only when
 * the last line was valid, so nothing of an invalid batch ever runs.
 */
export async function validateBatch(ports: ValidateBatchPorts, id: BatchId): Promise<Verdict> {
  const claim = await claimValidation(ports, id);
  if (claim === undefined) return { kind: "done", reference: "not mine" };
  try {
    const inserted = await insertLines(ports, claim);
    if (inserted === undefined) return { kind: "done", reference: "cancelled" };
    ports.metrics.increment("sluice_jobs_accepted_total", { sla: claim.batch.sla }, inserted.total);
    ports.logger.info({ batchId: id, lines: inserted.total }, "batch is valid");
    return { kind: "done", reference: id };
  } catch (error) {
    if (error instanceof NotOurs) return { kind: "done", reference: "cancelled" };
    if (!(error instanceof InvalidBatch)) throw error;
    return failBatch(ports, id, error);
  } finally {
    claim.stop();
  }
}

async function failBatch(ports: ValidateBatchPorts, id: BatchId, error: InvalidBatch): Promise<Verdict> {
  const { errors, total } = error;
  const now = ports.clock.now();
  const deliveryIds = await ports.ledger.failBatch(id, errors, total, now, newEventIds(ports.ids));
  if (deliveryIds.length > 0) await ports.deliveries.add(deliveryIds.map((id) => ({ id })));
  ports.logger.info({ batchId: id, errors: errors.length }, "batch file is not valid");
  return { kind: "failed", code: "invalid_batch" };
}

async function insertLines(ports: ValidateBatchPorts, claim: ValidationClaim) {
  const { batch } = claim;
  const admission = await openBatchAdmission(ports, batch.tenantId);
  let counted = { committed: () => {}, dropped: () => {} };
  let total = 0;
  function close(): void {
    const end = admission.close();
    if ("fault" in end) throw new InvalidBatch([{ ...end.fault, line: undefined }], total);
    counted = end;
  }
  function admit(line: NewLine): NewLine {
    return line.refusal === undefined ? { ...line, estimate: admission.take(line) } : line;
  }
  async function* lines(): AsyncGenerator<NewLine[]> {
    for await (const jobs of readJobs(ports, batch)) {
      if (claim.isOver()) throw new NotOurs();
      total += jobs.length;
      yield jobs.map(admit);
    }
    // What a batch that resumes another has to run is known only behind its last line.
    if (batch.resumeFrom === undefined) close();
  }
  const carry: CarryOver = {
    lineBytesOf: ports.carriedLineBytes,
    carried(tokens) {
      admission.spare(tokens);
      close();
    },
  };
  try {
    const now = () => ports.clock.now();
    const inserted = await ports.ledger.insertLines(batch.id, ports.holder, lines(), now, carry);
    if (inserted === undefined) counted.dropped();
    else counted.committed();
    return inserted;
  } catch (error) {
    counted.dropped();
    throw error;
  }
}

/** Yields the jobs of a batch's lines; throws {@link InvalidBatch} at the end when any line was at fault. */
async function* readJobs(ports: ValidateBatchPorts, batch: Batch): AsyncGenerator<NewLine[]> {
  const payers = await payersOf(ports, batch);
  if (batch.dialect === "anthropic")
    return yield* messageLines(ports, batch, payers, openInput(ports, batch));
  if (batch.retryOf !== undefined) return yield* retryLines(ports, batch, payers, batch.retryOf);
  const checks = checkLines(ports, batch);
  const mostBytes = ports.config().limits.jobBodyBytes + envelopeBytes;
  for await (const lines of splitLines(openInput(ports, batch), mostBytes, linesAtOnce)) {
    const jobs: NewLine[] = [];
    for (const raw of lines) {
      const line = checks.take(raw);
      if (line !== undefined) jobs.push(await specLine(ports, batch, payers, line));
    }
    if (jobs.length > 0) yield jobs;
  }
  checks.end();
}

export interface InputPorts {
  readonly ledger: Pick<FileLedger, "findInput">;
  readonly files: FileStore;
}

/** The file's bytes. One that is gone, wholly or in part, is a fault of the batch, and not of this process. */
export async function* openInput(ports: InputPorts, batch: Batch): AsyncGenerator<Buffer> {
  const file = await ports.ledger.findInput(batch.tenantId, batch.inputFileId);
  if (file === undefined || file.content.kind === "view") throw missingInput();
  try {
    yield* await openStored(ports.files, file.content, undefined, chunkBytes);
  } catch (error) {
    if (error instanceof FileMissing) throw missingInput();
    throw error;
  }
}

function missingInput(): InvalidBatch {
  return new InvalidBatch([faultOfFile("not_found", "The input file is not there any more.")], 0);
}

/** Whose money the lines spend. */
async function payersOf({ ledger }: ValidateBatchPorts, batch: Batch): Promise<Payers> {
  const { id: batchId, tenantId, keyId, maxSpendUsd } = batch;
  const keyUsdPerDay = keyId === undefined ? undefined : await ledger.keyUsdPerDay(keyId);
  return { tenantId, keyId, keyUsdPerDay, batchId, maxSpendUsd };
}

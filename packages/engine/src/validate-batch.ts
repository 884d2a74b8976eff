import {
  type Batch,
  type BatchId,
  type BatchLedger,
  type BudgetLedger,
  type Clock,
  type FileLedger,
  FileMissing,
  type FileStore,
  type IdQueue,
  type IdSource,
  type JobSpec,
  type Logger,
  type Metrics,
  type Verdict,
} from "@sluice/domain";
import type { Payers } from "./budgets.ts";
import { type CheckLinesPorts, checkLines } from "./check-lines.ts";
import { newEventIds } from "./end-job.ts";
import { type BatchAdmission, type BatchAdmissionPorts, openBatchAdmission } from "./forecast/admit-batch.ts";
import { faultOfFile, InvalidBatch } from "./invalid-batch.ts";
import { openStored } from "./open-content.ts";
import { specLine } from "./spec-line.ts";
import { splitLines } from "./split-lines.ts";

export interface ValidateBatchPorts extends CheckLinesPorts {
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
  /** Names this process in the claim. */
  readonly holder: string;
}

/** A validation that lasts longer than this may be begun again by another process. */
const validationLeaseMs = 120_000;

/** What a line may hold beside its body: custom_id, method, url, white space. */
const envelopeBytes = 4096;

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
  const payers = await payersOf(ports, batch);
  const checks = checkLines(ports, batch);
  const mostBytes = ports.config().limits.jobBodyBytes + envelopeBytes;
  for await (const lines of splitLines(openInput(ports, batch), mostBytes)) {
    const jobs: JobSpec[] = [];
    for (const raw of lines) {
      const line = checks.take(raw);
      if (line !== undefined) jobs.push(await specLine(ports, batch, payers, line));
    }
    if (jobs.length > 0) yield jobs;
  }
  checks.end();
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
  return new InvalidBatch([faultOfFile("not_found", "The input file is not there any more.")], 0);
}

/** Whose money the lines spend. */
async function payersOf({ ledger }: ValidateBatchPorts, batch: Batch): Promise<Payers> {
  const { id: batchId, tenantId, keyId, maxSpendUsd } = batch;
  const keyUsdPerDay = keyId === undefined ? undefined : await ledger.keyUsdPerDay(keyId);
  return { tenantId, keyId, keyUsdPerDay, batchId, maxSpendUsd };
}

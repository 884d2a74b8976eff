import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type BatchId, type JobSpec, uuidOf } from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";
import { nameList } from "./columns.ts";
import { copyHeader, copyTrailer, encodeCopyRows } from "./copy-encoder.ts";
import { jobColumns, liveColumnNames } from "./job-columns.ts";

export interface LinesOfBatch {
  readonly id: BatchId;
  readonly holder: string;
  readonly lines: AsyncIterable<readonly JobSpec[]>;
  readonly now: () => number;
}

/** Rolls the transaction back when the batch is no longer this holder's to fill. */
class NoLongerOurs extends Error {}

/**
 * Streams a batch's jobs in and sets it `in_progress`, all in one transaction: no line can run, be cancelled or be
 * seen before the last one is valid. `undefined` when the batch was cancelled or another process took it over.
 */
export async function insertLines(
  sql: Sql,
  batch: LinesOfBatch,
): Promise<{ readonly total: number } | undefined> {
  try {
    return await sql.begin((transaction) => insertWithin(transaction, batch));
  } catch (error) {
    if (error instanceof NoLongerOurs) return undefined;
    throw error;
  }
}

async function insertWithin(transaction: Transaction, { id, holder, lines, now }: LinesOfBatch) {
  const batch = uuidOf("batch", id);
  // Asked before the work and, with effect, after it.
  const ours = await transaction`
    SELECT FROM batches WHERE id = ${batch} AND status = 'validating' AND validator = ${holder}`;
  if (ours.length === 0) throw new NoLongerOurs();
  const total = await copyJobs(transaction, lines);
  const lived = await transaction.unsafe(
    `INSERT INTO live_jobs (${liveColumnNames}, laned) SELECT ${liveColumnNames}, false FROM jobs
     WHERE batch_id = $1 AND id > $1`,
    [batch],
  );
  if (lived.count !== total)
    throw new Error(`${total} lines were written for ${id}, ${lived.count} are its own`);
  const begun = await transaction`
    UPDATE batches SET status = 'in_progress', in_progress_at = ${now()}, total = ${total}
    WHERE id = ${batch} AND status = 'validating' AND validator = ${holder}`;
  if (begun.count === 0) throw new NoLongerOurs();
  return { total };
}

async function copyJobs(transaction: Transaction, lines: AsyncIterable<readonly JobSpec[]>): Promise<number> {
  let total = 0;
  async function* encoded() {
    yield copyHeader;
    for await (const specs of lines) {
      total += specs.length;
      yield encodeCopyRows(jobColumns, specs);
    }
    yield copyTrailer;
  }
  const copy = await transaction
    .unsafe(`COPY jobs (${nameList(jobColumns)}) FROM STDIN (FORMAT binary)`)
    .writable();
  await pipeline(Readable.from(encoded(), { highWaterMark: 2 }), copy);
  return total;
}

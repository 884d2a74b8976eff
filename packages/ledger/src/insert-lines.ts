import type { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type BatchId, type CarryOver, type NewLine, uuidOf } from "@sluice/domain";
import { carryResults } from "./carry-results.ts";
import type { Sql, Transaction } from "./client.ts";
import { nameList } from "./columns.ts";
import { copyHeader, copyTrailer, encodeCopyRows } from "./copy-encoder.ts";
import { jobColumns, liveColumnNames } from "./job-columns.ts";
import { type RefusedLine, refusedOf, refuseLines } from "./refuse-lines.ts";

export interface LinesOfBatch {
  readonly id: BatchId;
  readonly holder: string;
  readonly lines: AsyncIterable<readonly NewLine[]>;
  readonly now: () => number;
  readonly carry: CarryOver | undefined;
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

async function insertWithin(transaction: Transaction, { id, holder, lines, now, carry }: LinesOfBatch) {
  const batch = uuidOf("batch", id);
  // Asked before the work and, with effect, after it.
  const [ours] = await transaction<{ resumeFrom: string | null }[]>`
    SELECT resume_from FROM batches WHERE id = ${batch} AND status = 'validating' AND validator = ${holder}`;
  if (ours === undefined) throw new NoLongerOurs();
  const { total, refused } = await copyJobs(transaction, lines);
  await refuseLines(transaction, { batch, at: now(), refused });
  const carried =
    ours.resumeFrom === null
      ? 0
      : await carryResults(transaction, { batch, from: ours.resumeFrom, at: now(), carry });
  const ended = carried + refused.length;
  const lived = await transaction.unsafe(
    `INSERT INTO live_jobs (${liveColumnNames}, laned) SELECT ${liveColumnNames}, false FROM jobs j
     WHERE batch_id = $1 AND id > $1 ${ended === 0 ? "" : "AND NOT EXISTS (SELECT FROM outcomes o WHERE o.job_id = j.id)"}`,
    [batch],
  );
  if (lived.count + ended !== total)
    throw new Error(`${total} lines were written for ${id}, ${lived.count + ended} are its own`);
  const begun = await transaction`
    UPDATE batches SET status = 'in_progress', in_progress_at = ${now()}, total = ${total}
    WHERE id = ${batch} AND status = 'validating' AND validator = ${holder}`;
  if (begun.count === 0) throw new NoLongerOurs();
  return { total };
}

async function copyJobs(transaction: Transaction, lines: AsyncIterable<readonly NewLine[]>) {
  const copy = await transaction
    .unsafe(`COPY jobs (${nameList(jobColumns)}) FROM STDIN (FORMAT binary)`)
    .writable();
  const write = writerOf(copy);
  const refused: RefusedLine[] = [];
  let total = 0;
  try {
    await write(copyHeader);
    for await (const specs of lines) {
      total += specs.length;
      refused.push(...refusedOf(specs));
      await write(encodeCopyRows(jobColumns, specs));
    }
    await write(copyTrailer);
  } catch (error) {
    // The text goes into PostgreSQL's log, so it is not that of `error`.
    copy.destroy(new Error("the lines are incomplete"));
    throw error;
  }
  copy.end();
  // When PostgreSQL refuses the last rows, the client (postgres 3.4) ends the stream with neither `finish` nor
  // `error`; but then the transaction is aborted and its next statement fails.
  await transaction`SELECT 1`;
  return { total, refused };
}

/** Writes one chunk after the other, each when the one before has gone out; rejects once the stream has failed. */
function writerOf(copy: Writable): (chunk: Buffer) => Promise<void> {
  const failed = new Promise<never>((_, reject) => copy.once("error", reject));
  failed.catch(() => undefined);
  return async (chunk) => {
    const written = new Promise<void>((resolve, reject) => {
      copy.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
    await Promise.race([written, failed]);
    // A write that the socket takes at once calls back at once: without this turn nothing else would run, and the
    // server's refusal would not be heard.
    await nextTurn();
  };
}

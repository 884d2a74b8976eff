import { idFromUuid, type JobFailure } from "@sluice/domain";
import { retrying, type Sql, type Transaction } from "./client.ts";
import { moment } from "./contents.ts";
import type { Ending } from "./end-unfinished.ts";
import { leaderFence } from "./leadership.ts";

/** One chunk of the lines of a batch that is to be cancelled. */
export interface CancelChunk {
  /** UUID. */
  readonly batch: string;
  readonly failure: JobFailure;
  readonly ending: Ending;
}

/** Lines that one statement ends: some tenths of a second, for which nothing else of theirs can be written. */
const chunk = 10_000;

// What others hold is skipped, so that no two statements wait for each other; the next call finds it.
const cancelStatement = `
  WITH leader AS (${leaderFence("$5::bigint")}),
  unstarted AS (
    SELECT l.id FROM live_jobs l
    WHERE l.batch_id = $1 AND l.state <> 'running'
      AND CASE WHEN $5::bigint IS NULL THEN true ELSE EXISTS (SELECT FROM leader) END
    LIMIT ${chunk} FOR UPDATE OF l SKIP LOCKED
  ),
  gone AS (
    DELETE FROM live_jobs l USING unstarted u WHERE l.id = u.id RETURNING l.id, l.line, l.epoch, l.attempts
  ),
  ended AS (
    INSERT INTO outcomes (job_id, batch_id, finished_at, line, epoch, attempts, state, failure_code, failure_message)
    SELECT g.id, $1, $2, g.line, g.epoch, g.attempts, 'cancelled', $3, $4 FROM gone g
  )
  SELECT g.id, g.line, j.custom_id FROM gone g JOIN jobs j ON j.id = g.id AND j.id > $1`;

interface GoneRow {
  readonly id: string;
  readonly line: number;
  readonly customId: string;
}

/** Ends lines that tell nobody, many in one statement. Whoever is in the middle of one finds it ended. */
export function cancelQuietly(sql: Sql, cancelling: CancelChunk): Promise<"done" | "more"> {
  return retrying(() => sql.begin((transaction) => cancelWithin(transaction, cancelling)));
}

async function cancelWithin(
  transaction: Transaction,
  { batch, failure, ending }: CancelChunk,
): Promise<"done" | "more"> {
  const { now, leaderEpoch = null, lineBytesOf } = ending;
  const rows = await transaction.unsafe<GoneRow[]>(cancelStatement, [
    batch,
    moment(now),
    failure.code,
    failure.message,
    leaderEpoch,
  ]);
  if (rows.length === 0) return "done";
  const batchId = idFromUuid("batch", batch);
  const bytes = rows.reduce(
    (sum, { id, line, customId }) =>
      sum + lineBytesOf({ jobId: idFromUuid("job", id), batchId, line, customId, failure }),
    0,
  );
  await transaction`
    INSERT INTO batch_counts (batch_id, succeeded, failed, dead, cancelled, expired, input_tokens, output_tokens,
      cached_input_tokens, reasoning_tokens, output_bytes, error_bytes, cost_usd)
    VALUES (${batch}, 0, 0, 0, ${rows.length}, 0, 0, 0, 0, 0, 0, ${bytes}, 0)`;
  return rows.length < chunk ? "done" : "more";
}

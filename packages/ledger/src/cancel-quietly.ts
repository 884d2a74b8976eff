import { idFromUuid, type JobFailure } from "@sluice/domain";
import { retrying, type Sql } from "./client.ts";
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

/**
 * Bytes by which a line is longer than one whose `custom_id` is empty: those of the text as JSON, without its quotes.
 * PostgreSQL escapes what `JSON.stringify` does of texts that it can hold.
 */
export const jsonBytes = (text: string): string => `(octet_length(to_json(${text})::text) - 2)`;

/** Lines that one statement ends: some tenths of a second, for which nothing else of theirs can be written. */
const chunk = 10_000;

// What others hold is skipped, so that no two statements wait for each other; the next call finds it. Of each line only
// its length comes back: a list of ten thousand would be what the process grows by.
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
  ),
  counted AS (
    INSERT INTO batch_counts (batch_id, succeeded, failed, dead, cancelled, expired, input_tokens, output_tokens,
      cached_input_tokens, reasoning_tokens, output_bytes, error_bytes, cost_usd)
    SELECT $1, 0, 0, 0, count(*), 0, 0, 0, 0, 0, 0, sum($6::int + ${jsonBytes("j.custom_id")}), 0
    FROM gone g JOIN jobs j ON j.id = g.id AND j.id > $1 HAVING count(*) > 0
  )
  SELECT count(*) AS cancelled FROM gone`;

/** Ends lines that tell nobody, many in one statement. Whoever is in the middle of one finds it ended. */
export async function cancelQuietly(
  sql: Sql,
  { batch, failure, ending }: CancelChunk,
): Promise<"done" | "more"> {
  const { now, leaderEpoch = null, lineBytesOf } = ending;
  const line = {
    jobId: idFromUuid("job", batch),
    batchId: idFromUuid("batch", batch),
    line: 0,
    customId: "",
  };
  const parameters = [
    batch,
    moment(now),
    failure.code,
    failure.message,
    leaderEpoch,
    lineBytesOf({ ...line, failure }),
  ];
  const [row] = await retrying(() => sql.unsafe<{ cancelled: number }[]>(cancelStatement, parameters));
  return row?.cancelled === chunk ? "more" : "done";
}

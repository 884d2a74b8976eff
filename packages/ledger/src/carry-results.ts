import type { CarryOver } from "@sluice/domain";
import type { Transaction } from "./client.ts";
import { moment } from "./contents.ts";
import { resultColumns } from "./read-job.ts";
import { type EndedRow, endedLineOf } from "./read-lines.ts";

interface Carrying {
  /** UUID of the batch whose lines have just been written. */
  readonly batch: string;
  /** UUID of the batch that it resumes. */
  readonly from: string;
  readonly at: number;
  readonly carry: CarryOver | undefined;
}

/** Equal when the bodies are: those in the file store have their digest as key, and no request looks like one. */
const digestOf = (job: string) => `sha256(coalesce(${job}.body, convert_to(${job}.body_key, 'UTF8')))`;

// A batch and its retries are one: what succeeded in any of them is there. Old and new lines are brought together by
// grouping, not by a join: nothing is known yet of how many lines were written, and a plan for few would compare each line
// with every other.
const carryStatement = `
  WITH RECURSIVE family AS (
    SELECT b.id, b.retry_of FROM batches b
    WHERE b.id = $2 AND b.tenant_id = (SELECT n.tenant_id FROM batches n WHERE n.id = $1)
    UNION
    SELECT r.id, r.retry_of FROM family f CROSS JOIN LATERAL (
      SELECT b.id, b.retry_of FROM batches b WHERE b.retry_of = f.id AND b.status <> 'failed'
      UNION ALL
      SELECT b.id, b.retry_of FROM batches b WHERE b.id = f.retry_of
    ) r
  ),
  matched AS MATERIALIZED (
    SELECT (array_agg(id) FILTER (WHERE is_new))[1] AS id, (array_agg(id) FILTER (WHERE NOT is_new))[1] AS from_id
    FROM (
      SELECT n.id, true AS is_new, n.custom_id, n.endpoint, ${digestOf("n")} AS digest
      FROM jobs n WHERE n.batch_id = $1 AND n.id > $1
      UNION ALL
      SELECT p.id, false, p.custom_id, p.endpoint, ${digestOf("p")}
      FROM family f JOIN jobs p ON p.batch_id = f.id AND p.id > f.id
      JOIN outcomes o ON o.job_id = p.id AND o.state = 'succeeded'
    ) lines
    GROUP BY custom_id, endpoint, digest HAVING bool_or(is_new) AND NOT bool_and(is_new)
  )
  INSERT INTO outcomes (job_id, batch_id, finished_at, line, epoch, attempts, status_code, input_tokens, output_tokens,
    cached_input_tokens, reasoning_tokens, result_size, cost_usd, state, content_type, upstream_request_id, result_body,
    result_key, carried_from)
  SELECT n.id, n.batch_id, $3, n.line, 0, 0, o.status_code, 0, 0, 0, 0, o.result_size, 0, 'succeeded', o.content_type,
    o.upstream_request_id, o.result_body, o.result_key, m.from_id
  FROM matched m JOIN jobs n ON n.id = m.id JOIN outcomes o ON o.job_id = m.from_id`;

interface CarriedRow extends EndedRow {
  readonly candidateSet: string;
  readonly tokens: number;
}

const rowsAtOnce = 1000;

/** Ends the lines that succeeded before with the results they had, at no cost; answers how many. */
export async function carryResults(
  transaction: Transaction,
  { batch, from, at, carry }: Carrying,
): Promise<number> {
  if (carry === undefined) throw new Error("a batch that resumes another needs to be told how");
  const { count } = await transaction.unsafe(carryStatement, [batch, from, moment(at)]);
  let bytes = 0;
  const tokens = new Map<string, number>();
  const cursor = transaction<CarriedRow[]>`
    SELECT o.job_id, o.line, n.custom_id, o.state, o.carried_from, ${transaction.unsafe(resultColumns)},
      n.candidate_set, n.tokens
    FROM outcomes o JOIN jobs n ON n.id = o.job_id AND n.id > ${batch}
    WHERE o.batch_id = ${batch} AND o.job_id > ${batch}`.cursor(rowsAtOnce);
  for await (const rows of cursor) {
    for (const row of rows) {
      bytes += carry.lineBytesOf(endedLineOf(row), row.resultSize ?? 0);
      tokens.set(row.candidateSet, (tokens.get(row.candidateSet) ?? 0) + row.tokens);
    }
  }
  carry.carried(tokens);
  if (count > 0)
    await transaction`
      INSERT INTO batch_counts (batch_id, succeeded, failed, dead, cancelled, expired, input_tokens, output_tokens,
        cached_input_tokens, reasoning_tokens, output_bytes, error_bytes, cost_usd)
      VALUES (${batch}, ${count}, 0, 0, 0, 0, 0, 0, 0, 0, ${bytes}, 0, 0)`;
  return count;
}

import {
  type BatchId,
  type EndedLine,
  idFromUuid,
  type JobSpec,
  type TerminalJobState,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";
import {
  failureOf,
  type ResultRow,
  resultColumns,
  resultOf,
  type SpecRow,
  specColumns,
  specOf,
} from "./read-job.ts";

export interface EndedRow extends ResultRow {
  readonly jobId: string;
  readonly line: number;
  readonly customId: string;
  readonly state: TerminalJobState;
  readonly carriedFrom: string | null;
}

export interface LinePage {
  readonly id: BatchId;
  readonly side: "output" | "error";
  readonly afterLine: number;
  readonly limit: number;
}

/** A dead line that was redriven is answered by its new job. */
const standsForItsLine = `NOT (o.state = 'dead' AND EXISTS (
        SELECT FROM redrives r WHERE r.job_id = o.job_id AND r.takes_line))`;

/** The jobs of lines that ended otherwise than well, in order of line. */
export async function readRetryLines(
  sql: Sql,
  { id, afterLine, limit }: Omit<LinePage, "side">,
): Promise<JobSpec[]> {
  const batch = uuidOf("batch", id);
  const rows = await sql<SpecRow[]>`
    SELECT ${sql.unsafe(specColumns)}, j.body, j.body_key
    FROM outcomes o JOIN jobs j ON j.id = o.job_id AND j.id > ${batch}
    WHERE o.batch_id = ${batch} AND o.job_id > ${batch} AND (o.state = 'succeeded') = false
      AND o.line > ${afterLine} AND ${sql.unsafe(standsForItsLine)}
    ORDER BY o.line LIMIT ${limit}`;
  return rows.map(specOf);
}

/**
 * Finished lines of one side in order of line. The bounds on ids (lines are made after their batch) leave older
 * partitions out.
 */
export async function readLines(sql: Sql, { id, side, afterLine, limit }: LinePage): Promise<EndedLine[]> {
  const batch = uuidOf("batch", id);
  const rows = await sql<EndedRow[]>`
    SELECT o.job_id, o.line, j.custom_id, o.state, o.carried_from, ${sql.unsafe(resultColumns)}, o.result_body,
      o.result_key
    FROM outcomes o JOIN jobs j ON j.id = o.job_id AND j.id > ${batch}
    WHERE o.batch_id = ${batch} AND o.job_id > ${batch} AND (o.state = 'succeeded') = ${side === "output"}
      AND o.line > ${afterLine} AND ${sql.unsafe(standsForItsLine)}
    ORDER BY o.line LIMIT ${limit}`;
  return rows.map(endedLineOf);
}

/** A row of an ended line; without its result's bytes where a statement does not read them. */
export function endedLineOf(row: EndedRow): EndedLine {
  return {
    jobId: idFromUuid("job", row.jobId),
    line: row.line,
    customId: row.customId,
    state: row.state,
    result: resultOf(row),
    failure: failureOf(row),
    carriedFrom: row.carriedFrom === null ? undefined : idFromUuid("job", row.carriedFrom),
  };
}

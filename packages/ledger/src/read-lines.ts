import { type BatchId, type EndedLine, idFromUuid, type TerminalJobState, uuidOf } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { failureOf, type ResultRow, resultColumns, resultOf } from "./read-job.ts";

interface EndedRow extends ResultRow {
  readonly jobId: string;
  readonly line: number;
  readonly customId: string;
  readonly state: TerminalJobState;
}

export interface LinePage {
  readonly id: BatchId;
  readonly side: "output" | "error";
  readonly afterLine: number;
  readonly limit: number;
}

/**
 * Finished lines of one side in order of line. The bounds on ids (lines are made after their batch) leave older
 * partitions out.
 */
export async function readLines(sql: Sql, { id, side, afterLine, limit }: LinePage): Promise<EndedLine[]> {
  const batch = uuidOf("batch", id);
  const rows = await sql<EndedRow[]>`
    SELECT o.job_id, o.line, j.custom_id, o.state, ${sql.unsafe(resultColumns)}, o.result_body, o.result_key
    FROM outcomes o JOIN jobs j ON j.id = o.job_id AND j.id > ${batch}
    WHERE o.batch_id = ${batch} AND o.job_id > ${batch} AND (o.state = 'succeeded') = ${side === "output"}
      AND o.line > ${afterLine} AND NOT (o.state = 'dead' AND EXISTS (
        SELECT FROM redrives r WHERE r.job_id = o.job_id AND r.takes_line))
    ORDER BY o.line LIMIT ${limit}`;
  return rows.map((row) => ({
    jobId: idFromUuid("job", row.jobId),
    line: row.line,
    customId: row.customId,
    state: row.state,
    result: resultOf(row),
    failure: failureOf(row),
  }));
}

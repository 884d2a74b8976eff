import {
  type BatchId,
  type BatchStop,
  batchStops,
  idFromUuid,
  type JobFailure,
  jobFailureCodes,
  type MovedJob,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";
import { type Ending, endUnfinished } from "./end-unfinished.ts";
import { type LineRow, lineOf } from "./line-rows.ts";

const chunk = 1000;

interface CancelledRow extends LineRow {
  readonly stoppedFor: BatchStop | null;
}

function failureOf({ stoppedFor }: CancelledRow): JobFailure {
  const code = stoppedFor === null ? "batch_cancelled" : batchStops[stoppedFor].lineCode;
  return { code, message: jobFailureCodes[code] };
}

/**
 * Cancels the lines of batches in `cancelling` that no attempt is running for, of one batch or of all. A line whose
 * attempt runs goes on to its end; should it come back to wait, the next call finds it here.
 */
export async function cancelUnstartedLines(sql: Sql, ending: Ending, id?: BatchId): Promise<MovedJob[]> {
  const all: MovedJob[] = [];
  for (;;) {
    const rows = await sql<CancelledRow[]>`
      SELECT l.id, l.batch_id, l.line, j.custom_id, b.stopped_for
      FROM batches b JOIN live_jobs l ON l.batch_id = b.id JOIN jobs j ON j.id = l.id AND j.id > b.id
      WHERE b.status = 'cancelling' AND l.state <> 'running'
        ${id === undefined ? sql`` : sql`AND b.id = ${uuidOf("batch", id)}`}
      LIMIT ${chunk}`;
    const cancelled = rows.map((row) => {
      const jobId = idFromUuid("job", row.id);
      return {
        jobId,
        from: "unstarted",
        line: lineOf(row),
        state: "cancelled",
        failure: failureOf(row),
      } as const;
    });
    const moved = await endUnfinished(sql, cancelled, ending);
    all.push(...moved);
    // Nothing moved: the rest has begun an attempt meanwhile, or the leadership is over.
    if (rows.length < chunk || moved.length === 0) return all;
  }
}

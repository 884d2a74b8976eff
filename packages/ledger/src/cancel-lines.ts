import {
  type BatchId,
  type BatchStop,
  batchStops,
  idFromUuid,
  type JobFailure,
  jobFailureCodes,
  uuidOf,
} from "@sluice/domain";
import { type CancelChunk, cancelQuietly } from "./cancel-quietly.ts";
import type { Sql } from "./client.ts";
import { type Ending, endUnfinished } from "./end-unfinished.ts";
import { type LineRow, lineOf } from "./line-rows.ts";

interface Cancelling {
  readonly id: string;
  readonly stoppedFor: BatchStop | null;
  readonly webhookJobs: boolean;
}

/** Lines of one batch are cancelled in at most so many statements, before others have their turn. */
const mostChunks = 30;
/** A caller waits for no more; the rest is the leader's. */
const mostChunksAtOnce = 1;
const chunk = 1000;

/**
 * Cancels lines of batches in `cancelling` that no attempt is running for: of one batch a first part, of all until few
 * are left for the next call. A line whose attempt runs goes on to its end; should it come back to wait, the next call
 * finds it here.
 */
export async function cancelUnstartedLines(sql: Sql, ending: Ending, id?: BatchId): Promise<void> {
  const batches = await sql<Cancelling[]>`
    SELECT id, stopped_for, webhook_jobs FROM batches
    WHERE status = 'cancelling' ${id === undefined ? sql`` : sql`AND id = ${uuidOf("batch", id)}`}`;
  const most = id === undefined ? mostChunks : mostChunksAtOnce;
  for (const batch of batches) {
    const cancel = batch.webhookJobs ? cancelTelling : cancelQuietly;
    for (let count = 0; count < most; count += 1)
      if ((await cancel(sql, { batch: batch.id, failure: failureOf(batch), ending })) === "done") break;
  }
}

function failureOf({ stoppedFor }: Cancelling): JobFailure {
  const code = stoppedFor === null ? "batch_cancelled" : batchStops[stoppedFor].lineCode;
  return { code, message: jobFailureCodes[code] };
}

/** Each line sends an event of its own. */
async function cancelTelling(sql: Sql, { batch, failure, ending }: CancelChunk): Promise<"done" | "more"> {
  const rows = await sql<LineRow[]>`
    SELECT l.id, l.batch_id, l.line, j.custom_id
    FROM live_jobs l JOIN jobs j ON j.id = l.id AND j.id > ${batch}
    WHERE l.batch_id = ${batch} AND l.state <> 'running' LIMIT ${chunk}`;
  const cancelled = rows.map((row) => {
    const jobId = idFromUuid("job", row.id);
    return { jobId, from: "unstarted", line: lineOf(row), state: "cancelled", failure } as const;
  });
  const moved = await endUnfinished(sql, cancelled, ending);
  // Nothing moved: the rest has begun an attempt meanwhile, or the leadership is over.
  return rows.length < chunk || moved.length === 0 ? "done" : "more";
}

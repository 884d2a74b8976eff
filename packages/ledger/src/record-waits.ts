import { type HeldJob, uuidOf } from "@sluice/domain";
import { named, retrying, type Sql } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";
import { oncePerJob } from "./once-per-job.ts";

const columns: readonly Column<HeldJob>[] = [
  { name: "id", type: "uuid", value: (held) => uuidOf("job", held.jobId) },
  { name: "epoch", type: "int4", value: (held) => held.epoch },
  { name: "not_before_at", type: "timestamptz", value: (held) => held.notBeforeAt },
  { name: "waiting_for", type: "text", value: (held) => held.waitingFor },
];

// CASE: see move-jobs.ts.
const statement = `
  WITH held AS (
    UPDATE live_jobs l SET state = 'waiting', laned = true, not_before_at = i.not_before_at, waiting_for = i.waiting_for
    FROM ${unnest(columns, "i")}
    WHERE l.id = i.id AND CASE WHEN l.epoch <> i.epoch THEN false ELSE l.state <> 'running' END
    RETURNING l.id, l.epoch
  )
  INSERT INTO first_waits (job_id, at) SELECT id, clock_timestamp() FROM held WHERE epoch = 0
  ON CONFLICT (job_id) DO NOTHING`;

/** Says of jobs that they are held for room; those that have been started meanwhile are left alone. */
export async function recordWaits(sql: Sql, held: readonly HeldJob[]): Promise<void> {
  await oncePerJob(held, async (sorted) => {
    await retrying(() => sql.unsafe(statement, parametersOf(columns, sorted), named));
    return sorted;
  });
}

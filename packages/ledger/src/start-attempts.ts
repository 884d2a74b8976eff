import { type StartAttempt, type StartResult, uuidOf, uuidOfReservation } from "@sluice/domain";
import { named, retrying, type Sql } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";
import { oncePerJob } from "./once-per-job.ts";

const startColumns: readonly Column<StartAttempt>[] = [
  { name: "id", type: "uuid", value: (start) => uuidOf("job", start.jobId) },
  { name: "from_epoch", type: "int4", value: (start) => start.fromEpoch },
  { name: "worker_id", type: "uuid", value: (start) => uuidOf("worker", start.workerId) },
  { name: "target_id", type: "text", value: (start) => start.targetId },
  { name: "started_at", type: "timestamptz", value: (start) => start.startedAt },
  { name: "route", type: "json", value: (start) => start.route },
  { name: "held_usd", type: "numeric", value: (start) => start.reserved?.usd ?? start.held?.usd },
  { name: "key_id", type: "text", value: (start) => start.held?.keyId },
  {
    name: "reservation",
    type: "uuid",
    value: ({ reserved }) => reserved && uuidOfReservation(reserved.reservationId),
  },
  { name: "tenant_id", type: "text", value: (start) => start.reserved?.tenantId },
  { name: "reserved_input", type: "int4", value: (start) => start.reserved?.inputTokens },
  { name: "reserved_output", type: "int4", value: (start) => start.reserved?.outputTokens },
];

// CASE: see move-jobs.ts. A line of a batch that is being cancelled gets no further attempt, though its row is still there.
const startStatement = `
  WITH input AS MATERIALIZED (SELECT * FROM ${unnest(startColumns, "i")}),
  started AS (
    UPDATE live_jobs l SET state = 'running', laned = true, epoch = l.epoch + 1, attempts = l.attempts + 1,
      worker_id = i.worker_id, not_before_at = NULL, waiting_for = NULL
    FROM input i JOIN workers w ON w.id = i.worker_id
    WHERE l.id = i.id AND CASE
      WHEN l.epoch <> i.from_epoch OR l.state = 'running' OR w.lease_until <= clock_timestamp() THEN false
      WHEN l.batch_id IS NULL THEN true
      ELSE NOT EXISTS (SELECT FROM batches b WHERE b.id = l.batch_id AND b.status = 'cancelling')
    END
    RETURNING i.ord, l.id, l.epoch
  ),
  attempted AS (
    INSERT INTO attempts (job_id, epoch, worker_id, target_id, started_at, held_usd, key_id, reservation, tenant_id,
      reserved_input, reserved_output)
    SELECT s.id, s.epoch, i.worker_id, i.target_id, i.started_at, i.held_usd, i.key_id, i.reservation, i.tenant_id,
      i.reserved_input, i.reserved_output
    FROM started s JOIN input i USING (ord)
  ),
  decided AS (
    INSERT INTO decisions (job_id, epoch, route)
    SELECT s.id, s.epoch, i.route FROM started s JOIN input i USING (ord)
  )
  SELECT ord, epoch FROM started`;

const lost: StartResult = { kind: "lost" };

/** Starts attempts in one statement, each with its decision, while its worker's lease lives. */
export function startAttempts(sql: Sql, starts: readonly StartAttempt[]): Promise<StartResult[]> {
  return oncePerJob(starts, async (sorted) => {
    const parameters = parametersOf(startColumns, sorted);
    const rows = await retrying(() =>
      sql.unsafe<{ ord: number; epoch: number }[]>(startStatement, parameters, named),
    );
    const epochs = new Map(rows.map(({ ord, epoch }) => [ord, epoch]));
    return sorted.map((_, index) => {
      const epoch = epochs.get(index + 1);
      return epoch === undefined ? lost : { kind: "started", epoch };
    });
  });
}

import { type IdKind, idFromUuid } from "@sluice/domain";
import postgres from "postgres";
import type { AttemptRow, DeliveryRow, OutcomeRow } from "../oracle/run-record.ts";

type Sql = ReturnType<typeof postgres>;

/** Reads the ledger past all of our own code: what is judged must not be what answers. */
export interface LedgerReader {
  jobs(): Promise<string[]>;
  linesOf(batchIds: readonly string[]): Promise<string[]>;
  unfinished(): Promise<string[]>;
  outcomes(): Promise<(OutcomeRow & { readonly finishedAt: number })[]>;
  attempts(): Promise<AttemptRow[]>;
  deliveries(): Promise<DeliveryRow[]>;
  /** Transactions that somebody left open, and advisory locks that somebody kept. */
  heldLocks(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opens one connection, by the server's own address. */
export function openLedger(databaseUrl: string): LedgerReader {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  const ids = async (kind: IdKind, rows: Promise<readonly { id: string }[]>): Promise<string[]> =>
    (await rows).map(({ id }) => idFromUuid(kind, id));
  return {
    jobs: () => ids("job", sql<{ id: string }[]>`SELECT id FROM jobs`),
    linesOf: (batchIds) =>
      ids(
        "job",
        sql<{ id: string }[]>`
          SELECT id FROM jobs WHERE 'batch_' || batch_id::text = ANY(${[...batchIds]}::text[])`,
      ),
    unfinished: () => ids("job", sql<{ id: string }[]>`SELECT id FROM live_jobs`),
    outcomes: () => readOutcomes(sql),
    attempts: async () =>
      (await sql<AttemptRow[]>`SELECT job_id AS "jobId", epoch, outcome FROM attempts`).map((row) => ({
        ...row,
        jobId: idFromUuid("job", row.jobId),
      })),
    deliveries: () => readDeliveries(sql),
    heldLocks: async () =>
      (
        await sql<{ what: string }[]>`
          SELECT 'a transaction left open: ' || left(query, 60) AS what FROM pg_stat_activity
          WHERE state LIKE 'idle in transaction%' AND datname = current_database()
          UNION ALL SELECT 'an advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
      ).map(({ what }) => what),
    close: () => sql.end(),
  };
}

async function readOutcomes(sql: Sql) {
  const rows = await sql<(OutcomeRow & { readonly finishedAt: number })[]>`
    SELECT job_id AS "jobId", batch_id AS "batchId", state, input_tokens AS "inputTokens",
      output_tokens AS "outputTokens", coalesce(cost_usd, 0)::double precision AS "costUsd",
      extract(epoch FROM finished_at)::double precision * 1000 AS "finishedAt"
    FROM outcomes`;
  return rows.map((row) => ({
    ...row,
    jobId: idFromUuid("job", row.jobId),
    batchId: row.batchId === null ? null : idFromUuid("batch", row.batchId),
  }));
}

async function readDeliveries(sql: Sql): Promise<DeliveryRow[]> {
  const rows = await sql<DeliveryRow[]>`
    SELECT d.event_id AS "eventId", e.object_id AS "objectId", e.type, d.state
    FROM deliveries d JOIN events e ON e.id = d.event_id`;
  return rows.map((row) => ({
    ...row,
    eventId: idFromUuid("event", row.eventId),
    objectId: idFromUuid(row.type.startsWith("batch.") ? "batch" : "job", row.objectId),
  }));
}

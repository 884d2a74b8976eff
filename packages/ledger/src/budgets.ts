import {
  type BatchId,
  type BatchStop,
  type BudgetLedger,
  batchStops,
  idFromUuid,
  uuidOf,
} from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";
import { leaderFence } from "./leadership.ts";

/** Money spent, and batches that are ended for it or for their failures. */
export function createBudgets(sql: Sql): BudgetLedger {
  return {
    batchSpend: (id) => batchSpend(sql, id),
    keySpend: (keyId, since) => keySpend(sql, keyId, since),
    async keyUsdPerDay(keyId) {
      const [row] = await sql<
        { usdPerDay: number | null }[]
      >`SELECT usd_per_day FROM api_keys WHERE id = ${keyId}`;
      return row?.usdPerDay ?? undefined;
    },
    stopBatch: (id, now) => stopBatch(sql, id, now),
    stopFailingBatches: (leaderEpoch, now) => stopFailingBatches(sql, leaderEpoch, now),
  };
}

/** What an attempt counts for. */
const spent = "coalesce(sum(coalesce(a.cost_usd, a.held_usd)), 0) AS usd";

/** See the port. */
export async function batchSpend(sql: Sql | Transaction, id: BatchId): Promise<number> {
  const key = uuidOf("batch", id);
  const [row] = await sql<{ usd: number }[]>`
    SELECT ${sql.unsafe(spent)} FROM jobs j JOIN attempts a ON a.job_id = j.id
    WHERE j.batch_id = ${key} AND j.id > ${key} AND a.job_id > ${key}`;
  return row?.usd ?? 0;
}

async function keySpend(sql: Sql, keyId: string, since: number): Promise<number> {
  const [row] = await sql<{ usd: number }[]>`
    SELECT ${sql.unsafe(spent)} FROM attempts a WHERE a.key_id = ${keyId} AND a.started_at >= ${since}`;
  return row?.usd ?? 0;
}

/** A stopped batch is being cancelled: unstarted lines end at the next {@link finaliseBatches}, running ones by themselves. */
function stopping(sql: Sql, stop: BatchStop, now: number) {
  const { message, param } = batchStops[stop];
  const error = { code: stop, line: null, message, param };
  return sql`status = 'cancelling', cancelling_at = ${now}, stopped_for = ${stop}, errors = ${sql.json([error])}`;
}

async function stopBatch(sql: Sql, id: BatchId, now: number): Promise<boolean> {
  const stopped = await sql`
    UPDATE batches SET ${stopping(sql, "max_spend_reached", now)}
    WHERE id = ${uuidOf("batch", id)} AND status = 'in_progress' RETURNING id`;
  return stopped.length > 0;
}

/** Before so many lines have ended, and this share of all, a rate says little. */
const fewestEnded = 20;
const leastShare = 0.01;

async function stopFailingBatches(sql: Sql, leaderEpoch: number, now: number): Promise<BatchId[]> {
  const rows = await sql<{ id: string }[]>`
    WITH leader AS (${sql.unsafe(leaderFence(String(Number(leaderEpoch))))}),
    failing AS (
      SELECT b.id FROM batches b CROSS JOIN LATERAL (
        SELECT sum(failed + dead + expired) AS failed, sum(succeeded + failed + dead + expired) AS ended
        FROM batch_counts WHERE batch_id = b.id
      ) c
      WHERE b.status = 'in_progress' AND b.stop_on_error_rate IS NOT NULL
        AND c.ended >= greatest(${fewestEnded}, ${leastShare}::float8 * b.total) AND c.failed > b.stop_on_error_rate * c.ended
    )
    UPDATE batches b SET ${stopping(sql, "error_rate_exceeded", now)}
    FROM failing WHERE b.id = failing.id AND b.status = 'in_progress' AND EXISTS (SELECT FROM leader)
    RETURNING b.id`;
  return rows.map(({ id }) => idFromUuid("batch", id));
}

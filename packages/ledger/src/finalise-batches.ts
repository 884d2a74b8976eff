import { type BatchId, type BatchLedger, type BatchStatus, idFromUuid, uuidOf } from "@sluice/domain";
import { cancelUnstartedLines } from "./cancel-lines.ts";
import { retrying, type Sql } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";
import type { Ending } from "./end-unfinished.ts";
import { leaderFence } from "./leadership.ts";
import { deliveryIds, tellReceivers } from "./tell-receivers.ts";

type Finalised = Awaited<ReturnType<BatchLedger["finaliseBatches"]>>;

interface Candidate {
  readonly id: BatchId;
  /** The batch's count of redrives at which none of its lines was live. */
  readonly redrives: number;
  readonly ids: ReturnType<Ending["newIds"]>;
}

const columns: readonly Column<Candidate>[] = [
  { name: "id", type: "uuid", value: ({ id }) => uuidOf("batch", id) },
  { name: "redrives", type: "int4", value: ({ redrives }) => redrives },
  { name: "event_id", type: "uuid", value: ({ ids }) => uuidOf("event", ids.eventId) },
  { name: "delivery_id", type: "uuid", value: ({ ids }) => uuidOf("delivery", ids.deliveryId) },
];

const leaderEpoch = `$${columns.length + 1}::bigint`;
const now = `$${columns.length + 2}::timestamptz`;

// All lines of a batch come into the ledger with its `in_progress`, so "none is live" is "all have ended":
// one probe of an index, where adding up the counts of each live batch would read them all again and again.
// A redrive is the one thing that brings a line back: a statement that waited for it behind the batch's row sees
// the row's new count of redrives, though not yet the line.
const isDone = "NOT EXISTS (SELECT FROM live_jobs l WHERE l.batch_id = b.id)";

const expired = `(b.status = 'in_progress' AND b.expires_at <= ${now}
        AND EXISTS (SELECT FROM batch_counts c WHERE c.batch_id = b.id AND c.expired > 0))`;

const finaliseStatement = `
  WITH input AS MATERIALIZED (SELECT * FROM ${unnest(columns, "i")}),
  leader AS (${leaderFence(leaderEpoch)}),
  done AS (
    UPDATE batches b SET
      status = CASE WHEN b.status = 'cancelling' THEN 'cancelled' WHEN ${expired} THEN 'expired' ELSE 'completed' END,
      finalizing_at = ${now},
      cancelled_at = CASE WHEN b.status = 'cancelling' THEN ${now} END,
      expired_at = CASE WHEN ${expired} THEN ${now} END,
      completed_at = CASE WHEN b.status = 'in_progress' AND NOT ${expired} THEN ${now} END
    FROM input i
    WHERE b.id = i.id AND b.status IN ('in_progress', 'cancelling') AND ${isDone}
      AND b.redrives = i.redrives AND EXISTS (SELECT FROM leader)
    RETURNING i.ord, b.id, b.status, b.tenant_id, b.webhook_url, b.webhook_payload, i.event_id, i.delivery_id
  ),
  telling AS (
    SELECT event_id, delivery_id, tenant_id, 'batch.' || status AS type, id AS object_id, ${now} AS at, webhook_url,
      webhook_payload, NULL::uuid AS batch_id
    FROM done
  ),
  ${tellReceivers("telling")}
  SELECT d.ord, d.status, t.deliveries FROM done d LEFT JOIN told t USING (event_id)`;

/** Cancels what came back to a cancelling batch, then ends each batch that has no live line left. */
export async function finaliseBatches(
  sql: Sql,
  ending: Ending & { readonly leaderEpoch: number },
): Promise<Finalised> {
  await cancelUnstartedLines(sql, ending);
  const rows = await sql<{ id: string; redrives: number }[]>`
    SELECT b.id, b.redrives FROM batches b
    WHERE b.status IN ('in_progress', 'cancelling') AND ${sql.unsafe(isDone)} ORDER BY b.id LIMIT 1000`;
  if (rows.length === 0) return [];
  const candidates = rows.map(({ id, redrives }) => ({
    id: idFromUuid("batch", id),
    redrives,
    ids: ending.newIds(),
  }));
  const parameters = [...parametersOf(columns, candidates), ending.leaderEpoch, ending.now];
  const done = await retrying(() =>
    sql.unsafe<{ ord: number; status: BatchStatus; deliveries: string[] | null }[]>(
      finaliseStatement,
      parameters,
    ),
  );
  return done.flatMap(({ ord, status, deliveries }) => {
    const candidate = candidates[ord - 1];
    return candidate ? [{ id: candidate.id, status, deliveryIds: deliveryIds(deliveries) }] : [];
  });
}

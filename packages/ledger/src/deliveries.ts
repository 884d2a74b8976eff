import {
  type DeliveryAttempt,
  type DeliveryId,
  type DeliveryLedger,
  type DispatchLedger,
  type DueDelivery,
  type EventType,
  idFromUuid,
  type TenantId,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";

/** Webhook deliveries: finding those that are due, claiming one, recording what came of it. */
export function createDeliveries(sql: Sql): DeliveryLedger & Pick<DispatchLedger, "overdueDeliveries"> {
  return {
    async overdueDeliveries(before, limit) {
      const rows = await sql<{ id: string }[]>`
        SELECT id FROM deliveries
        WHERE state = 'pending' AND next_attempt_at <= ${before}
          AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
        ORDER BY next_attempt_at LIMIT ${limit}`;
      return rows.map(({ id }): DeliveryId => idFromUuid("delivery", id));
    },
    claimDelivery: (id, now, leaseMs) => claimDelivery(sql, { id, now, leaseMs }),
    recordDelivery: (attempt, next) => recordDelivery(sql, attempt, next),
  };
}

interface DueRow {
  readonly id: string;
  readonly eventId: string;
  readonly tenantId: string;
  readonly type: EventType;
  readonly objectId: string;
  readonly createdAt: number;
  readonly url: string;
  readonly secrets: string[];
  readonly attempts: number;
  readonly traceparent: string | null;
}

interface Claim {
  readonly id: DeliveryId;
  readonly now: number;
  readonly leaseMs: number;
}

async function claimDelivery(sql: Sql, { id, now, leaseMs }: Claim): Promise<DueDelivery | undefined> {
  const [row] = await sql<DueRow[]>`
    WITH claimed AS (
      UPDATE deliveries SET claimed_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
      WHERE id = ${uuidOf("delivery", id)} AND state = 'pending' AND next_attempt_at <= ${now}
        AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
      RETURNING id, event_id, url, attempts
    )
    SELECT c.id, c.event_id, c.url, c.attempts, e.tenant_id, e.type, e.object_id, e.created_at,
      CASE WHEN e.type LIKE 'batch.%' THEN (SELECT b.traceparent FROM batches b WHERE b.id = e.object_id)
        ELSE (SELECT j.traceparent FROM jobs j WHERE j.id = e.object_id) END AS traceparent,
      (SELECT coalesce(json_agg(s.secret ORDER BY s.version DESC), '[]') FROM webhook_secrets s
       WHERE s.tenant_id = e.tenant_id AND (s.expires_at IS NULL OR s.expires_at > ${now})) AS secrets
    FROM claimed c JOIN events e ON e.id = c.event_id`;
  return row && dueOf(row);
}

function dueOf(row: DueRow): DueDelivery {
  const { type, createdAt, url, secrets, attempts } = row;
  const objectId = idFromUuid(type.startsWith("batch.") ? "batch" : "job", row.objectId);
  const tenantId = row.tenantId as TenantId;
  const event = { id: idFromUuid("event", row.eventId), tenantId, type, objectId, createdAt };
  return {
    id: idFromUuid("delivery", row.id),
    event,
    url,
    secrets,
    attempts,
    traceparent: row.traceparent ?? undefined,
  };
}

type Next = Parameters<DeliveryLedger["recordDelivery"]>[1];

/** A process that was overtaken (its claim ran out) changes nothing, unless it brings the success. */
async function recordDelivery(sql: Sql, attempt: DeliveryAttempt, next: Next): Promise<void> {
  const id = uuidOf("delivery", attempt.deliveryId);
  const state = next.kind === "retry" ? "pending" : next.kind;
  await sql`
    WITH recorded AS (
      INSERT INTO delivery_attempts (delivery_id, number, at, latency_ms, status_code, reason, response_snippet)
      VALUES (${id}, ${attempt.number}, ${attempt.at}, ${attempt.latencyMs}, ${attempt.statusCode ?? null},
        ${attempt.reason ?? null}, ${storable(attempt.responseSnippet)})
      ON CONFLICT (delivery_id, number) DO NOTHING
    )
    UPDATE deliveries SET state = ${state}, attempts = greatest(attempts, ${attempt.number}), claimed_until = NULL,
      next_attempt_at = ${next.kind === "retry" ? next.at : attempt.at}
    WHERE id = ${id} AND state = 'pending' AND (attempts = ${attempt.number - 1} OR ${state} = 'succeeded')`;
}

/** PostgreSQL's text holds every character but NUL, and a receiver may answer anything. */
function storable(snippet: string | undefined): string | null {
  return snippet?.replaceAll("\0", "\uFFFD") ?? null;
}

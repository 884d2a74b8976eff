import {
  type DeliveryId,
  firstUuidAt,
  idFromUuid,
  type TenantId,
  uuidOf,
  type WebhookEndpointId,
  type WebhookLedger,
} from "@sluice/domain";
import type { Sql } from "./client.ts";

/** An event of a test and its one delivery. */
export async function createTestDelivery(
  sql: Sql,
  tenant: TenantId,
  id: WebhookEndpointId,
  event: Parameters<WebhookLedger["createTestDelivery"]>[2],
): Promise<boolean> {
  const eventId = uuidOf("event", event.eventId);
  const rows = await sql`
    WITH asked AS (
      SELECT id, tenant_id, url FROM webhook_endpoints
      WHERE tenant_id = ${tenant} AND id = ${uuidOf("webhookEndpoint", id)}
    ),
    happened AS (
      INSERT INTO events (id, tenant_id, type, object_id, created_at, test)
      SELECT ${eventId}::uuid, tenant_id, ${event.type}::text, ${event.objectUuid}::uuid, ${event.now}::timestamptz, true
      FROM asked
    )
    INSERT INTO deliveries (id, event_id, tenant_id, endpoint_id, url, test, next_attempt_at)
    SELECT ${uuidOf("delivery", event.deliveryId)}::uuid, ${eventId}::uuid, tenant_id, id, url, true,
      ${event.now}::timestamptz
    FROM asked RETURNING id`;
  return rows.length > 0;
}

interface Redelivery {
  readonly tenant: TenantId;
  readonly id: DeliveryId;
  readonly newId: DeliveryId;
  readonly now: number;
}

/** Makes a waiting delivery due, or a new one of one that has ended. */
export async function redeliver(
  sql: Sql,
  { tenant, id, newId, now }: Redelivery,
): Promise<DeliveryId | "refused" | undefined> {
  const uuid = uuidOf("delivery", id);
  const [row] = await sql<{ hurried: string | null; made: string | null }[]>`
    WITH asked AS (
      SELECT d.id, d.event_id, d.tenant_id, d.endpoint_id, d.url, d.payload, d.state,
        d.endpoint_id IS NULL OR w.disabled_at IS NULL AND w.id IS NOT NULL AS reachable
      FROM deliveries d LEFT JOIN webhook_endpoints w ON w.id = d.endpoint_id
      WHERE d.tenant_id = ${tenant} AND d.id = ${uuid}
    ),
    hurried AS (
      UPDATE deliveries d SET next_attempt_at = least(d.next_attempt_at, ${now}::timestamptz) FROM asked a
      WHERE d.id = a.id AND a.reachable AND d.state = 'pending'
      RETURNING d.id
    ),
    made AS (
      INSERT INTO deliveries (id, event_id, tenant_id, endpoint_id, url, payload, next_attempt_at)
      SELECT ${uuidOf("delivery", newId)}::uuid, event_id, tenant_id, endpoint_id, url, payload, ${now}::timestamptz
      FROM asked WHERE reachable AND state <> 'pending'
      RETURNING id
    )
    SELECT h.id AS hurried, m.id AS made FROM asked a LEFT JOIN hurried h ON true LEFT JOIN made m ON true`;
  if (row === undefined) return undefined;
  const due = row.hurried ?? row.made;
  return due === null ? "refused" : idFromUuid("delivery", due);
}

interface Replay {
  readonly tenant: TenantId;
  readonly id: WebhookEndpointId;
  readonly since: number;
  readonly now: number;
}

/** So many go to the queue at once; the rest follow as these end. */
const firstOfReplay = 100;

/** An id is made a little before or after the moment that its event bears, perhaps by another machine's clock. */
const idSlackMs = 3_600_000;

/** Deliveries of all events since then. The time in an event's id bounds the search. */
export async function replayEvents(
  sql: Sql,
  { tenant, id, since, now }: Replay,
): ReturnType<WebhookLedger["replayEvents"]> {
  const [row] = await sql<{ count: number; first: string[] | null }[]>`
    WITH made AS (
      INSERT INTO deliveries (id, event_id, tenant_id, endpoint_id, url, payload, next_attempt_at)
      SELECT uuid_at(${now}::timestamptz), e.id, e.tenant_id, w.id, w.url, w.payload, ${now}::timestamptz
      FROM webhook_endpoints w JOIN events e ON e.tenant_id = w.tenant_id AND e.type = ANY(w.event_types)
      WHERE w.tenant_id = ${tenant} AND w.id = ${uuidOf("webhookEndpoint", id)} AND w.disabled_at IS NULL
        AND e.id >= ${firstUuidAt(since - idSlackMs)} AND e.created_at >= ${since} AND NOT e.test AND e.object_id <> w.id
        AND NOT EXISTS (
          SELECT FROM deliveries d
          WHERE d.tenant_id = w.tenant_id AND d.receiver = w.id::text AND d.state = 'pending' AND d.event_id = e.id)
      RETURNING id
    )
    SELECT (SELECT count(*) FROM made) AS count,
      (SELECT json_agg(id) FROM (SELECT id FROM made LIMIT ${firstOfReplay}) f) AS first`;
  const first = (row?.first ?? []).map((uuid): DeliveryId => idFromUuid("delivery", uuid));
  return { count: row?.count ?? 0, first };
}

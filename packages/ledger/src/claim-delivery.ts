import {
  type BatchDialect,
  type BusyReceivers,
  type DeliveryClaim,
  type DeliveryId,
  type EventType,
  failingReceiverRules,
  idFromUuid,
  objectKindOf,
  type TenantId,
  uuidOf,
  type WebhookPayload,
} from "@sluice/domain";
import type { Sql } from "./client.ts";

interface ClaimRow {
  readonly receiver: string;
  readonly tenantId: string;
  readonly stranded: boolean;
  readonly busy: boolean;
  readonly failures: number;
  /** Null when it could not be claimed. */
  readonly id: string | null;
  readonly eventId: string;
  readonly type: EventType;
  readonly objectId: string;
  readonly dialect: BatchDialect | null;
  readonly createdAt: number;
  readonly url: string;
  readonly endpointId: string | null;
  readonly payload: WebhookPayload;
  readonly test: boolean;
  readonly secrets: string[];
  readonly attempts: number;
  readonly traceparent: string | null;
}

export interface Claim {
  readonly id: DeliveryId;
  readonly now: number;
  readonly leaseMs: number;
  readonly busy: BusyReceivers;
}

/** Of the batch that an event `e` is about; null when it is about something else. */
export const dialectOfEvent =
  "CASE WHEN e.type LIKE 'batch.%' THEN (SELECT b.dialect FROM batches b WHERE b.id = e.object_id) END";

/**
 * Claims in one statement. What waits for an endpoint that is gone or disabled is given up here. Of a receiver that is
 * let be, whoever moves its `retry_at` on is the one that tries, and the others find it let be still.
 */
export async function claimDelivery(sql: Sql, { id, now, leaseMs, busy }: Claim): Promise<DeliveryClaim> {
  const { opensAfter } = failingReceiverRules;
  const keys = sql.json(busy.receivers.map(({ tenantId, receiver }) => `${tenantId}/${receiver}`));
  const [row] = await sql<ClaimRow[]>`
    WITH wanted AS MATERIALIZED (
      SELECT d.id, d.tenant_id, d.receiver, d.test, coalesce(f.failures, 0) AS failures,
        w.url AS endpoint_url, w.payload AS endpoint_payload,
        d.endpoint_id IS NOT NULL AND (w.id IS NULL OR (w.disabled_at IS NOT NULL AND NOT d.test)) AS stranded,
        NOT d.test AND (jsonb_exists(${keys}::jsonb, d.tenant_id || '/' || d.receiver)
          OR jsonb_exists(${sql.json([...busy.tenants])}::jsonb, d.tenant_id)) AS busy
      FROM deliveries d
      LEFT JOIN webhook_endpoints w ON w.id = d.endpoint_id
      LEFT JOIN failing_receivers f ON f.tenant_id = d.tenant_id AND f.receiver = d.receiver
      WHERE d.id = ${uuidOf("delivery", id)} AND d.state = 'pending' AND d.next_attempt_at <= ${now}
        AND (d.claimed_until IS NULL OR d.claimed_until <= clock_timestamp())
    ),
    given_up AS (
      UPDATE deliveries d SET state = 'given_up' FROM wanted w WHERE d.id = w.id AND w.stranded AND d.state = 'pending'
    ),
    trying AS (
      UPDATE failing_receivers f SET retry_at = ${now + leaseMs} FROM wanted w
      WHERE NOT w.stranded AND NOT w.busy AND NOT w.test AND f.tenant_id = w.tenant_id AND f.receiver = w.receiver
        AND f.failures >= ${opensAfter} AND f.retry_at <= ${now}
      RETURNING f.receiver
    ),
    claimed AS (
      UPDATE deliveries d SET claimed_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
      FROM wanted w
      WHERE d.id = w.id AND NOT w.stranded AND NOT w.busy
        AND (w.test OR w.failures < ${opensAfter} OR EXISTS (SELECT FROM trying))
        AND d.state = 'pending' AND d.next_attempt_at <= ${now}
        AND (d.claimed_until IS NULL OR d.claimed_until <= clock_timestamp())
      RETURNING d.id, d.event_id, d.endpoint_id, d.url, d.payload, d.attempts
    )
    SELECT w.receiver, w.tenant_id, w.stranded, w.busy, w.failures, w.test, c.id, c.event_id, c.endpoint_id,
      c.attempts, coalesce(w.endpoint_url, c.url) AS url, coalesce(w.endpoint_payload, c.payload) AS payload,
      e.type, e.object_id, e.created_at, ${sql.unsafe(dialectOfEvent)} AS dialect,
      CASE WHEN e.type LIKE 'batch.%' THEN (SELECT b.traceparent FROM batches b WHERE b.id = e.object_id)
        WHEN e.type LIKE 'job.%' OR e.type LIKE 'response.%' THEN (SELECT j.traceparent FROM jobs j WHERE j.id = e.object_id) END AS traceparent,
      CASE WHEN c.endpoint_id IS NULL THEN
        (SELECT coalesce(json_agg(s.secret ORDER BY s.version DESC), '[]') FROM webhook_secrets s
         WHERE s.tenant_id = e.tenant_id AND (s.expires_at IS NULL OR s.expires_at > ${now}))
      ELSE
        (SELECT coalesce(json_agg(s.secret ORDER BY s.version DESC), '[]') FROM webhook_endpoint_secrets s
         WHERE s.endpoint_id = c.endpoint_id AND (s.expires_at IS NULL OR s.expires_at > ${now}))
      END AS secrets
    FROM wanted w LEFT JOIN claimed c ON c.id = w.id LEFT JOIN events e ON e.id = c.event_id`;
  return claimOf(row);
}

function claimOf(row: ClaimRow | undefined): DeliveryClaim {
  if (row === undefined || row.stranded) return { kind: "none" };
  const tenantId = row.tenantId as TenantId;
  const key = { tenantId, receiver: row.receiver };
  if (row.busy) return { kind: "busy", key };
  if (row.id === null)
    return row.failures >= failingReceiverRules.opensAfter ? { kind: "held", key } : { kind: "none" };
  const { type, createdAt, url, secrets, attempts, receiver, payload, test } = row;
  const objectId = idFromUuid(objectKindOf(type, row.dialect), row.objectId);
  const endpointId = row.endpointId === null ? undefined : idFromUuid("webhookEndpoint", row.endpointId);
  return {
    kind: "claimed",
    due: {
      id: idFromUuid("delivery", row.id),
      event: { id: idFromUuid("event", row.eventId), tenantId, type, objectId, createdAt },
      receiver,
      endpointId,
      url,
      payload,
      test,
      receiverFailures: row.failures,
      secrets,
      attempts,
      traceparent: row.traceparent ?? undefined,
    },
  };
}

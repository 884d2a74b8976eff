import {
  type BatchDialect,
  type DeliveryAttempt,
  type DeliveryFilter,
  type DeliveryId,
  type DeliveryRecord,
  type DeliveryState,
  type EventType,
  idFromUuid,
  objectKindOf,
  type Page,
  type TenantId,
  uuidOf,
  type WebhookLedger,
} from "@sluice/domain";
import { dialectOfEvent } from "./claim-delivery.ts";
import type { Sql } from "./client.ts";
import { createTestDelivery, redeliver, replayEvents } from "./send-again.ts";

type Log = Pick<
  WebhookLedger,
  "createTestDelivery" | "listDeliveries" | "findDelivery" | "redeliver" | "replayEvents"
>;

/** What became of deliveries, and how they are sent again. */
export function createDeliveryLog(sql: Sql): Log {
  return {
    createTestDelivery: (tenant, id, event) => createTestDelivery(sql, tenant, id, event),
    listDeliveries: (tenant, filter, page) => listDeliveries(sql, tenant, filter, page),
    async findDelivery(tenant, id) {
      const [row] = await sql<DeliveryRow[]>`
        ${sql.unsafe(deliverySource)} WHERE d.tenant_id = ${tenant} AND d.id = ${uuidOf("delivery", id)}`;
      return row && recordOf(row);
    },
    redeliver: (tenant, id, newId, now) => redeliver(sql, { tenant, id, newId, now }),
    replayEvents: (tenant, id, since, now) => replayEvents(sql, { tenant, id, since, now }),
  };
}

interface DeliveryRow {
  readonly id: string;
  readonly tenantId: string;
  readonly eventId: string;
  readonly type: EventType;
  readonly objectId: string;
  readonly dialect: BatchDialect | null;
  readonly eventCreatedAt: number;
  readonly endpointId: string | null;
  readonly url: string;
  readonly state: DeliveryState;
  readonly test: boolean;
  readonly createdAt: number;
  readonly nextAttemptAt: number;
  readonly attempts:
    | {
        readonly number: number;
        readonly at: number;
        readonly latency_ms: number;
        readonly status_code: number | null;
        readonly reason: string | null;
        readonly response_snippet: string | null;
      }[]
    | null;
}

const deliverySource = `
  SELECT d.id, d.tenant_id, d.event_id, d.endpoint_id, d.url, d.state, d.test, d.created_at, d.next_attempt_at,
    e.type, e.object_id, e.created_at AS event_created_at, ${dialectOfEvent} AS dialect,
    (SELECT json_agg(json_build_object('number', a.number, 'at', extract(epoch FROM a.at) * 1000,
        'latency_ms', a.latency_ms, 'status_code', a.status_code, 'reason', a.reason,
        'response_snippet', a.response_snippet) ORDER BY a.number)
     FROM delivery_attempts a WHERE a.delivery_id = d.id) AS attempts
  FROM deliveries d JOIN events e ON e.id = d.event_id`;

function recordOf(row: DeliveryRow): DeliveryRecord {
  const id: DeliveryId = idFromUuid("delivery", row.id);
  const { type, url, state, test, createdAt } = row;
  const objectId = idFromUuid(objectKindOf(type, row.dialect), row.objectId);
  return {
    id,
    event: {
      id: idFromUuid("event", row.eventId),
      tenantId: row.tenantId as TenantId,
      type,
      objectId,
      createdAt: row.eventCreatedAt,
    },
    endpointId: row.endpointId === null ? undefined : idFromUuid("webhookEndpoint", row.endpointId),
    url,
    state,
    test,
    createdAt,
    nextAttemptAt: state === "pending" ? row.nextAttemptAt : undefined,
    attempts: (row.attempts ?? []).map(
      (attempt): DeliveryAttempt => ({
        deliveryId: id,
        number: attempt.number,
        at: Math.round(attempt.at),
        latencyMs: attempt.latency_ms,
        statusCode: attempt.status_code ?? undefined,
        reason: attempt.reason ?? undefined,
        responseSnippet: attempt.response_snippet ?? undefined,
      }),
    ),
  };
}

async function listDeliveries(
  sql: Sql,
  tenant: TenantId,
  { endpointId, state }: DeliveryFilter,
  { after, order, limit }: Page,
): Promise<DeliveryRecord[]> {
  const comparison = order === "asc" ? sql`>` : sql`<`;
  const rows = await sql<DeliveryRow[]>`
    ${sql.unsafe(deliverySource)} WHERE d.tenant_id = ${tenant}
      ${endpointId === undefined ? sql`` : sql`AND d.endpoint_id = ${uuidOf("webhookEndpoint", endpointId)}`}
      ${state === undefined ? sql`` : sql`AND d.state = ${state}`}
      ${after === undefined ? sql`` : sql`AND d.id ${comparison} ${uuidOf("delivery", after)}`}
    ORDER BY d.id ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(recordOf);
}

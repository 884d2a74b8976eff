import {
  type DisabledReason,
  type EndpointFields,
  type EventType,
  idFromUuid,
  type Page,
  type TenantId,
  uuidOf,
  type WebhookEndpoint,
  type WebhookEndpointId,
  type WebhookLedger,
  type WebhookPayload,
} from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";
import { rotateEndpointSecret } from "./webhook-secrets.ts";

type Endpoints = Pick<
  WebhookLedger,
  | "createEndpoint"
  | "findEndpoint"
  | "listEndpoints"
  | "updateEndpoint"
  | "deleteEndpoint"
  | "rotateEndpointSecret"
>;

/** The endpoints that tenants register for events. Secrets go in here and come out only to sign. */
export function createWebhookEndpoints(sql: Sql): Endpoints {
  const find = (tenant: TenantId, id: WebhookEndpointId) => findEndpoint(sql, tenant, id);
  return {
    createEndpoint: (endpoint, options) => createEndpoint(sql, endpoint, options),
    findEndpoint: find,
    listEndpoints: (tenant, page) => listEndpoints(sql, tenant, page),
    async updateEndpoint(tenant, id, changes, now) {
      await sql.begin((transaction) => updateEndpoint(transaction, { tenant, id, changes, now }));
      return find(tenant, id);
    },
    deleteEndpoint: (tenant, id) => deleteEndpoint(sql, tenant, id),
    async rotateEndpointSecret(tenant, id, rotation) {
      const rotated = await rotateEndpointSecret(sql, { tenant, id, rotation });
      return rotated === "rotated" ? find(tenant, id) : rotated;
    },
  };
}

interface EndpointRow {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  readonly url: string;
  readonly eventTypes: EventType[];
  readonly payload: WebhookPayload;
  readonly createdAt: number;
  readonly updatedAt: number | null;
  readonly disabledAt: number | null;
  readonly disabledReason: DisabledReason | null;
  readonly secretHint: string | null;
  readonly failures: number | null;
  readonly failingSince: number | null;
}

function endpointOf(row: EndpointRow): WebhookEndpoint {
  const { name, url, eventTypes, payload, createdAt, failures, failingSince } = row;
  const failing = failures === null || failingSince === null ? undefined : { since: failingSince, failures };
  return {
    id: idFromUuid("webhookEndpoint", row.id),
    tenantId: row.tenantId as TenantId,
    name,
    url,
    eventTypes,
    payload,
    createdAt,
    updatedAt: row.updatedAt ?? createdAt,
    disabled:
      row.disabledAt === null ? undefined : { at: row.disabledAt, reason: row.disabledReason ?? "asked" },
    secretHint: row.secretHint ?? "",
    failing,
  };
}

const endpointSource = `
  SELECT w.id, w.tenant_id, w.name, w.url, to_json(w.event_types) AS event_types, w.payload, w.created_at, w.updated_at,
    w.disabled_at, w.disabled_reason, f.failures, f.failing_since,
    (SELECT right(s.secret, 4) FROM webhook_endpoint_secrets s WHERE s.endpoint_id = w.id
     ORDER BY s.version DESC LIMIT 1) AS secret_hint
  FROM webhook_endpoints w
  LEFT JOIN failing_receivers f ON f.tenant_id = w.tenant_id AND f.receiver = w.id::text`;

async function findEndpoint(
  sql: Sql,
  tenant: TenantId,
  id: WebhookEndpointId,
): Promise<WebhookEndpoint | undefined> {
  const [row] = await sql<EndpointRow[]>`
    ${sql.unsafe(endpointSource)} WHERE w.tenant_id = ${tenant} AND w.id = ${uuidOf("webhookEndpoint", id)}`;
  return row && endpointOf(row);
}

async function listEndpoints(
  sql: Sql,
  tenant: TenantId,
  { after, order, limit }: Page,
): Promise<WebhookEndpoint[]> {
  const comparison = order === "asc" ? sql`>` : sql`<`;
  const rows = await sql<EndpointRow[]>`
    ${sql.unsafe(endpointSource)} WHERE w.tenant_id = ${tenant}
      ${after === undefined ? sql`` : sql`AND w.id ${comparison} ${uuidOf("webhookEndpoint", after)}`}
    ORDER BY w.id ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(endpointOf);
}

async function createEndpoint(
  sql: Sql,
  endpoint: Parameters<WebhookLedger["createEndpoint"]>[0],
  { secret, now, most }: Parameters<WebhookLedger["createEndpoint"]>[1],
): Promise<WebhookEndpoint | undefined> {
  const { tenantId: tenant } = endpoint;
  const id = uuidOf("webhookEndpoint", endpoint.id);
  await sql.begin(async (transaction) => {
    // Two calls that count at once would both find room.
    await transaction`SELECT pg_advisory_xact_lock(hashtext('sluice.webhook_endpoints'), hashtext(${tenant}))`;
    await transaction`
      WITH made AS (
        INSERT INTO webhook_endpoints (id, tenant_id, name, url, event_types, payload, created_at, updated_at)
        SELECT ${id}::uuid, ${tenant}::text, ${endpoint.name}::text, ${endpoint.url}::text,
          ${typeArray(endpoint.eventTypes)}::text[], ${endpoint.payload}::text, ${now}::timestamptz, ${now}::timestamptz
        WHERE (SELECT count(*) FROM webhook_endpoints WHERE tenant_id = ${tenant}) < ${most}
        RETURNING id
      )
      INSERT INTO webhook_endpoint_secrets (endpoint_id, version, secret, created_at)
      SELECT id, 1, ${secret}::text, ${now}::timestamptz FROM made`;
  });
  return findEndpoint(sql, tenant, endpoint.id);
}

/** Event types hold nothing that an array literal would have to escape. */
function typeArray(types: readonly EventType[]): string {
  return `{${types.join(",")}}`;
}

interface Update {
  readonly tenant: TenantId;
  readonly id: WebhookEndpointId;
  readonly changes: Partial<EndpointFields> & { readonly enabled?: boolean | undefined };
  readonly now: number;
}

async function updateEndpoint(sql: Transaction, { tenant, id, changes, now }: Update): Promise<void> {
  const uuid = uuidOf("webhookEndpoint", id);
  const [before] = await sql<{ url: string; enabled: boolean }[]>`
    SELECT url, disabled_at IS NULL AS enabled FROM webhook_endpoints
    WHERE tenant_id = ${tenant} AND id = ${uuid} FOR UPDATE`;
  if (before === undefined) return;
  const enabled = changes.enabled ?? before.enabled;
  const types = changes.eventTypes === undefined ? null : typeArray(changes.eventTypes);
  await sql`
    UPDATE webhook_endpoints SET name = coalesce(${changes.name ?? null}, name), url = coalesce(${changes.url ?? null}, url),
      event_types = coalesce(${types}::text[], event_types), payload = coalesce(${changes.payload ?? null}, payload),
      updated_at = ${now}, disabled_at = CASE WHEN NOT ${enabled} THEN coalesce(disabled_at, ${now}) END,
      disabled_reason = CASE WHEN NOT ${enabled} THEN coalesce(disabled_reason, 'asked') END
    WHERE id = ${uuid}`;
  const fresh = (enabled && !before.enabled) || (changes.url !== undefined && changes.url !== before.url);
  if (fresh) await sql`DELETE FROM failing_receivers WHERE tenant_id = ${tenant} AND receiver = ${uuid}`;
  if (before.enabled && !enabled) await giveUpPending(sql, tenant, uuid);
}

async function giveUpPending(sql: Transaction, tenant: TenantId, uuid: string): Promise<void> {
  await sql`
    UPDATE deliveries SET state = 'given_up', claimed_until = NULL
    WHERE tenant_id = ${tenant} AND receiver = ${uuid} AND state = 'pending'`;
}

async function deleteEndpoint(sql: Sql, tenant: TenantId, id: WebhookEndpointId): Promise<boolean> {
  const uuid = uuidOf("webhookEndpoint", id);
  return sql.begin(async (transaction) => {
    const rows = await transaction`
      DELETE FROM webhook_endpoints WHERE tenant_id = ${tenant} AND id = ${uuid} RETURNING id`;
    if (rows.length === 0) return false;
    await transaction`DELETE FROM failing_receivers WHERE tenant_id = ${tenant} AND receiver = ${uuid}`;
    await giveUpPending(transaction, tenant, uuid);
    return true;
  });
}

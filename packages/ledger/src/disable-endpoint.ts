import type { DeliveryId, DisabledReason } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { deliveryIds, tellReceivers } from "./tell-receivers.ts";

interface Disabling {
  /** Its UUID. */
  readonly endpointId: string;
  readonly reason: DisabledReason;
  readonly now: number;
}

/**
 * Disables an endpoint, gives up what waits for it and tells the tenant's other endpoints, in one statement; answers
 * what tells them, `undefined` when it was disabled already.
 */
export async function disableEndpoint(
  sql: Sql,
  { endpointId, reason, now }: Disabling,
): Promise<DeliveryId[] | undefined> {
  const [row] = await sql<{ deliveries: string[] | null }[]>`
    WITH disabled AS (
      UPDATE webhook_endpoints SET disabled_at = ${now}, disabled_reason = ${reason}
      WHERE id = ${endpointId} AND disabled_at IS NULL
      RETURNING uuid_at(${now}::timestamptz) AS event_id, tenant_id, 'webhook_endpoint.disabled' AS type,
        id AS object_id, ${now}::timestamptz AS at, NULL::uuid AS delivery_id, NULL::text AS webhook_url,
        NULL::text AS webhook_payload, NULL::uuid AS batch_id
    ),
    given_up AS (
      UPDATE deliveries d SET state = 'given_up', claimed_until = NULL FROM disabled e
      WHERE d.tenant_id = e.tenant_id AND d.receiver = ${endpointId} AND d.state = 'pending'
    ),
    ${sql.unsafe(tellReceivers("disabled"))}
    SELECT t.deliveries FROM disabled LEFT JOIN told t USING (event_id)`;
  return row === undefined ? undefined : deliveryIds(row.deliveries);
}

/** Gives up what has waited since before `before` for a receiver that is no endpoint. */
export async function giveUpOld(
  sql: Sql,
  { tenantId, receiver }: { readonly tenantId: string; readonly receiver: string },
  before: number,
): Promise<void> {
  await sql`
    UPDATE deliveries SET state = 'given_up'
    WHERE tenant_id = ${tenantId} AND receiver = ${receiver} AND state = 'pending'
      AND event_id IN (SELECT id FROM events WHERE created_at < ${before} AND events.tenant_id = ${tenantId})`;
}

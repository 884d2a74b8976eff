import {
  type DeliveryId,
  type DeliveryLedger,
  type DispatchLedger,
  idFromUuid,
  uuidOf,
} from "@sluice/domain";
import { claimDelivery } from "./claim-delivery.ts";
import type { Sql } from "./client.ts";
import { recordDelivery } from "./record-delivery.ts";

/** Webhook deliveries: finding those that are due, claiming one, recording what came of it. */
export function createDeliveries(sql: Sql): DeliveryLedger & Pick<DispatchLedger, "overdueDeliveries"> {
  return {
    overdueDeliveries: (before, limit) => overdueDeliveries(sql, before, limit),
    claimDelivery: (id, now, leaseMs, busy) => claimDelivery(sql, { id, now, leaseMs, busy }),
    async releaseDelivery(id) {
      await sql`UPDATE deliveries SET claimed_until = NULL WHERE id = ${uuidOf("delivery", id)} AND state = 'pending'`;
    },
    recordDelivery: (attempt, next) => recordDelivery(sql, attempt, next),
    async dueOfReceiver({ tenantId, receiver }, now, limit) {
      const rows = await sql<{ id: string }[]>`
        SELECT id FROM deliveries
        WHERE tenant_id = ${tenantId} AND receiver = ${receiver} AND state = 'pending' AND next_attempt_at <= ${now}
          AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
        ORDER BY next_attempt_at LIMIT ${limit}`;
      return rows.map(({ id }): DeliveryId => idFromUuid("delivery", id));
    },
  };
}

/** So many of one receiver are found at once: the backlog of one must not hide what others have lost. */
const overdueOfReceiver = 16;

/**
 * Walks from receiver to receiver by the index (PostgreSQL has no skip scan over two columns), so that its cost grows
 * with receivers, not with what waits for them. Those that are let be are left out.
 */
async function overdueDeliveries(sql: Sql, before: number, limit: number): Promise<DeliveryId[]> {
  const rows = await sql<{ id: string }[]>`
    WITH RECURSIVE receivers AS (
      (SELECT tenant_id, receiver FROM deliveries WHERE state = 'pending' ORDER BY tenant_id, receiver LIMIT 1)
      UNION ALL
      SELECT n.tenant_id, n.receiver FROM receivers r CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.receiver FROM deliveries d
        WHERE d.state = 'pending' AND (d.tenant_id, d.receiver) > (r.tenant_id, r.receiver)
        ORDER BY d.tenant_id, d.receiver LIMIT 1
      ) n
    )
    SELECT o.id FROM receivers r CROSS JOIN LATERAL (
      SELECT d.id, d.next_attempt_at FROM deliveries d
      WHERE d.tenant_id = r.tenant_id AND d.receiver = r.receiver AND d.state = 'pending'
        AND d.next_attempt_at <= ${before} AND (d.claimed_until IS NULL OR d.claimed_until <= clock_timestamp())
      ORDER BY d.next_attempt_at LIMIT ${overdueOfReceiver}
    ) o
    WHERE NOT EXISTS (
      SELECT FROM failing_receivers f
      WHERE f.tenant_id = r.tenant_id AND f.receiver = r.receiver AND f.retry_at > ${before})
    ORDER BY o.next_attempt_at LIMIT ${limit}`;
  return rows.map(({ id }): DeliveryId => idFromUuid("delivery", id));
}

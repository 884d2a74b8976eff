import { type DeliveryId, idFromUuid } from "@sluice/domain";

/**
 * Steps of a statement that tell of what it has changed, as `name AS (…)` list: `happened` keeps the event where anyone
 * listens, `queued` one delivery to each receiver: the url that came with the job or batch, and the endpoints of its
 * tenant that ask for such events. `told` has a row for each event with its deliveries. All of it commits with the
 * change or not at all, so that no crash loses an event.
 *
 * `source` is a step before it with the columns event_id, delivery_id, tenant_id, type, object_id, at, webhook_url,
 * webhook_payload and batch_id (of a line: endpoints are told only if the batch asks for it). An endpoint is not told of itself.
 */
export function tellReceivers(source: string): string {
  return `
  receivers AS MATERIALIZED (
    SELECT s.delivery_id AS id, s.event_id, s.tenant_id, NULL::uuid AS endpoint_id, s.webhook_url AS url,
      coalesce(s.webhook_payload, 'thin') AS payload, s.at
    FROM ${source} s WHERE s.webhook_url IS NOT NULL
    UNION ALL
    SELECT uuid_at(s.at), s.event_id, s.tenant_id, w.id, w.url, w.payload, s.at
    FROM ${source} s
    JOIN webhook_endpoints w ON w.tenant_id = s.tenant_id AND w.disabled_at IS NULL AND s.type = ANY(w.event_types)
      AND w.id <> s.object_id
    WHERE s.batch_id IS NULL OR (SELECT b.webhook_jobs FROM batches b WHERE b.id = s.batch_id)
  ),
  happened AS (
    INSERT INTO events (id, tenant_id, type, object_id, created_at)
    SELECT s.event_id, s.tenant_id, s.type, s.object_id, s.at FROM ${source} s
    WHERE s.event_id IN (SELECT r.event_id FROM receivers r)
  ),
  queued AS (
    INSERT INTO deliveries (id, event_id, tenant_id, endpoint_id, url, payload, next_attempt_at)
    SELECT id, event_id, tenant_id, endpoint_id, url, payload, at FROM receivers
  ),
  told AS MATERIALIZED (
    SELECT event_id, json_agg(id) AS deliveries FROM receivers GROUP BY event_id
  )`;
}

/** The public ids of what `told` lists; none when nobody was told. */
export function deliveryIds(uuids: readonly string[] | null | undefined): DeliveryId[] {
  return (uuids ?? []).map((uuid) => idFromUuid("delivery", uuid));
}

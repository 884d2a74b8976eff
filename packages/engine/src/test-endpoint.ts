import type {
  Clock,
  DeliveryRecord,
  EventType,
  IdQueue,
  IdSource,
  TenantId,
  WebhookEndpointId,
  WebhookLedger,
} from "@sluice/domain";
import { pause } from "./commit-settlement.ts";
import { newEventIds } from "./end-job.ts";

export interface TestEndpointPorts {
  readonly ledger: Pick<WebhookLedger, "createTestDelivery" | "findDelivery">;
  readonly deliveries: IdQueue;
  readonly ids: IdSource;
  readonly clock: Clock;
}

export interface EndpointTest {
  readonly tenantId: TenantId;
  readonly endpointId: WebhookEndpointId;
  readonly type: EventType;
  /** How long to wait for its one attempt. */
  readonly timeoutMs: number;
}

const lookEveryMs = 100;

/**
 * Sends an event that never happened the way that all events go, once, and waits for what comes of it. Answers the
 * delivery as it stands then; `undefined` when there is no such endpoint.
 */
export async function testEndpoint(
  ports: TestEndpointPorts,
  { tenantId, endpointId, type, timeoutMs }: EndpointTest,
): Promise<DeliveryRecord | undefined> {
  const { ledger, deliveries, ids, clock } = ports;
  const eventIds = newEventIds(ids);
  const event = { ...eventIds, type, objectUuid: ids.uuid(), now: clock.now() };
  if (!(await ledger.createTestDelivery(tenantId, endpointId, event))) return undefined;
  await deliveries.add([{ id: eventIds.deliveryId }]);
  const until = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const delivery = await ledger.findDelivery(tenantId, eventIds.deliveryId);
    if (delivery?.state !== "pending" || clock.monotonicMs() >= until) return delivery;
    await pause({ clock }, lookEveryMs);
  }
}

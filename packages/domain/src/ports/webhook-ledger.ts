import type {
  DeliveryAttempt,
  DeliveryRecord,
  DeliveryState,
  DueDelivery,
  EventType,
  WebhookEndpoint,
  WebhookPayload,
} from "../delivery.ts";
import type { DeliveryId, TenantId, WebhookEndpointId } from "../ids.ts";
import type { EventIds, Page } from "./ledger.ts";
import type { SecretRotation } from "./tenant-ledger.ts";

/** The receivers and tenants whose share of a process is used up. */
export interface BusyReceivers {
  readonly receivers: readonly ReceiverKey[];
  readonly tenants: readonly TenantId[];
}

/** Deliveries of a tenant that stand and fall together. */
export interface ReceiverKey {
  readonly tenantId: TenantId;
  readonly receiver: string;
}

export type DeliveryClaim =
  | { readonly kind: "claimed"; readonly due: DueDelivery }
  /** Its receiver or tenant is among the busy ones. */
  | { readonly kind: "busy"; readonly key: ReceiverKey }
  /** Its receiver has failed too often and is let be for now. */
  | { readonly kind: "held"; readonly key: ReceiverKey }
  /** It is not due, has ended, or another process has it. */
  | { readonly kind: "none" };

export type DeliveryStep =
  | { readonly kind: "succeeded" }
  | { readonly kind: "given_up" }
  | { readonly kind: "retry"; readonly at: number };

/** What an attempt has done to its receiver; `deliveryIds` tell other endpoints that this one is disabled. */
export type ReceiverEffect =
  | { readonly kind: "none" }
  | { readonly kind: "disabled"; readonly deliveryIds: readonly DeliveryId[] };

/** What the delivery process needs. */
export interface DeliveryLedger {
  /** Claims one due delivery for `leaseMs`. */
  claimDelivery(id: DeliveryId, now: number, leaseMs: number, busy: BusyReceivers): Promise<DeliveryClaim>;
  /** Gives a claim back: nothing was sent. */
  releaseDelivery(id: DeliveryId): Promise<void>;
  /** Records an attempt, what follows from it, and what it says of the receiver. */
  recordDelivery(attempt: DeliveryAttempt, next: DeliveryStep): Promise<ReceiverEffect>;
  /** Due deliveries of one receiver that nobody has claimed, the oldest first. */
  dueOfReceiver(key: ReceiverKey, now: number, limit: number): Promise<DeliveryId[]>;
}

/** The part of an endpoint that its tenant chooses. */
export interface EndpointFields {
  readonly name: string;
  readonly url: string;
  readonly eventTypes: readonly EventType[];
  readonly payload: WebhookPayload;
}

export interface DeliveryFilter {
  readonly endpointId?: WebhookEndpointId | undefined;
  readonly state?: DeliveryState | undefined;
}

/** What the API needs of webhooks. */
export interface WebhookLedger {
  /** `undefined` when the tenant has `most` endpoints already. */
  createEndpoint(
    endpoint: EndpointFields & { readonly id: WebhookEndpointId; readonly tenantId: TenantId },
    options: { readonly secret: string; readonly now: number; readonly most: number },
  ): Promise<WebhookEndpoint | undefined>;
  findEndpoint(tenant: TenantId, id: WebhookEndpointId): Promise<WebhookEndpoint | undefined>;
  listEndpoints(tenant: TenantId, page: Page): Promise<WebhookEndpoint[]>;
  /** Another url, or being enabled, forgets its failures; disabling gives up what waits for it. */
  updateEndpoint(
    tenant: TenantId,
    id: WebhookEndpointId,
    changes: Partial<EndpointFields> & { readonly enabled?: boolean | undefined },
    now: number,
  ): Promise<WebhookEndpoint | undefined>;
  /** Deletes it with its secrets and gives up what waits for it; whether there was one. */
  deleteEndpoint(tenant: TenantId, id: WebhookEndpointId): Promise<boolean>;
  /** `refused` when too many older secrets would still sign. */
  rotateEndpointSecret(
    tenant: TenantId,
    id: WebhookEndpointId,
    rotation: SecretRotation,
  ): Promise<WebhookEndpoint | "refused" | undefined>;
  /** One delivery of an event that never happened; whether the endpoint is there. */
  createTestDelivery(
    tenant: TenantId,
    id: WebhookEndpointId,
    event: EventIds & { readonly type: EventType; readonly objectUuid: string; readonly now: number },
  ): Promise<boolean>;
  /** Newest first or last, by `page.order`. */
  listDeliveries(tenant: TenantId, filter: DeliveryFilter, page: Page): Promise<DeliveryRecord[]>;
  findDelivery(tenant: TenantId, id: DeliveryId): Promise<DeliveryRecord | undefined>;
  /**
   * Sends its event once more to its receiver: one that waits becomes due, of one that has ended a new one is made,
   * with `newId`. Answers which is due now; `refused` when its endpoint is deleted or disabled.
   */
  redeliver(
    tenant: TenantId,
    id: DeliveryId,
    newId: DeliveryId,
    now: number,
  ): Promise<DeliveryId | "refused" | undefined>;
  /**
   * Makes a delivery to an endpoint of each event since then that it asks for, except where one waits already.
   * Answers how many, and the first of them.
   */
  replayEvents(
    tenant: TenantId,
    id: WebhookEndpointId,
    since: number,
    now: number,
  ): Promise<{ readonly count: number; readonly first: readonly DeliveryId[] }>;
}

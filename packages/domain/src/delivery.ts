import type { BatchDialect } from "./batch-dialect.ts";
import type { DeliveryId, EventId, IdKind, TenantId, WebhookEndpointId } from "./ids.ts";

/** Where one delivery of an event to one receiver stands. */
export type DeliveryState = "pending" | "succeeded" | "given_up";

export const deliveryTransitions: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  pending: ["succeeded", "given_up", "pending"],
  succeeded: [],
  given_up: [],
};

/** What a tenant can be told. */
export const eventTypes = [
  "job.succeeded",
  "job.failed",
  "job.dead",
  "job.cancelled",
  "job.expired",
  "batch.completed",
  "batch.failed",
  "batch.expired",
  "batch.cancelled",
  "response.completed",
  "response.failed",
  "response.cancelled",
  "response.incomplete",
  "webhook_endpoint.disabled",
] as const;

export type EventType = (typeof eventTypes)[number];

const objectKinds = {
  job: "job",
  batch: "batch",
  response: "response",
  webhook_endpoint: "webhookEndpoint",
} as const satisfies Record<string, IdKind>;

/** What an event of a type is about; a batch is named as the API that it was created by names it. */
export function objectKindOf(
  type: EventType,
  dialect?: BatchDialect | null,
): (typeof objectKinds)[keyof typeof objectKinds] | "messageBatch" {
  const kind = objectKinds[type.slice(0, type.indexOf(".")) as keyof typeof objectKinds];
  return kind === "batch" && dialect === "anthropic" ? "messageBatch" : kind;
}

/** How much a webhook tells: the id and status of the object, or the object as its owner reads it. */
export type WebhookPayload = "thin" | "full";

/**
 * When a receiver that fails is let be. `opensAfter` failures in a row hold its deliveries back, for `firstHoldMs` and
 * twice as long each time, at most `longestHoldMs`; then one of them tries. An endpoint that has only failed for
 * `disablesAfterMs` is disabled (Svix waits as long).
 */
export const failingReceiverRules = {
  opensAfter: 5,
  firstHoldMs: 30_000,
  longestHoldMs: 10 * 60_000,
  disablesAfterMs: 120 * 3_600_000,
} as const;

/** An endpoint that a tenant has registered for events. */
export interface WebhookEndpoint {
  readonly id: WebhookEndpointId;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly url: string;
  readonly eventTypes: readonly EventType[];
  readonly payload: WebhookPayload;
  readonly createdAt: number;
  /** Of the last change of the endpoint or its secret. */
  readonly updatedAt: number;
  readonly disabled: { readonly at: number; readonly reason: DisabledReason } | undefined;
  /** The last characters of its newest secret. */
  readonly secretHint: string;
  /** Set while its deliveries fail. */
  readonly failing: { readonly since: number; readonly failures: number } | undefined;
}

/** Why an endpoint is disabled: its tenant asked, it answered 410, or it only failed for days. */
export type DisabledReason = "asked" | "gone" | "failing";

/** A delivery as its tenant reads it. */
export interface DeliveryRecord {
  readonly id: DeliveryId;
  readonly event: WebhookEvent;
  readonly endpointId: WebhookEndpointId | undefined;
  readonly url: string;
  readonly state: DeliveryState;
  readonly test: boolean;
  readonly createdAt: number;
  /** `undefined` when it has ended. */
  readonly nextAttemptAt: number | undefined;
  /** Oldest first. */
  readonly attempts: readonly DeliveryAttempt[];
}

/** Something that happened, to be told to a receiver; its id is the `webhook-id` of every delivery. */
export interface WebhookEvent {
  readonly id: EventId;
  readonly tenantId: TenantId;
  readonly type: EventType;
  /** What it is about: {@link objectKindOf} its type. */
  readonly objectId: string;
  readonly createdAt: number;
}

/** A delivery that is due, with all that its sending needs. */
export interface DueDelivery {
  readonly id: DeliveryId;
  readonly event: WebhookEvent;
  /** The endpoint, or the origin of a url that came with a job or batch: what is held back together. */
  readonly receiver: string;
  readonly endpointId: WebhookEndpointId | undefined;
  readonly url: string;
  readonly payload: WebhookPayload;
  /** A test is tried once. */
  readonly test: boolean;
  /** Failures in a row of its receiver, when it was claimed. */
  readonly receiverFailures: number;
  /** Signing secrets, newest first; two while a rotation overlaps. */
  readonly secrets: readonly string[];
  /** W3C `traceparent` of the request that caused the event. */
  readonly traceparent: string | undefined;
  /** Attempts made so far. */
  readonly attempts: number;
}

export interface DeliveryAttempt {
  readonly deliveryId: DeliveryId;
  /** 1-based. */
  readonly number: number;
  readonly at: number;
  readonly latencyMs: number;
  readonly statusCode: number | undefined;
  /** Why no answer came, e.g. `timeout`. */
  readonly reason: string | undefined;
  /** First 1 KiB of the receiver's answer. */
  readonly responseSnippet: string | undefined;
}

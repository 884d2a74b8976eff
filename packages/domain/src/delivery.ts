import type { DeliveryId, EventId, TenantId } from "./ids.ts";

/** Where one delivery of an event to one receiver stands. */
export type DeliveryState = "pending" | "succeeded" | "given_up";

export const deliveryTransitions: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  pending: ["succeeded", "given_up", "pending"],
  succeeded: [],
  given_up: [],
};

export type EventType =
  | "job.succeeded"
  | "job.failed"
  | "job.dead"
  | "job.cancelled"
  | "job.expired"
  | "batch.completed"
  | "batch.failed"
  | "batch.expired"
  | "batch.cancelled";

/** Something that happened, to be told to a receiver; its id is the `webhook-id` of every delivery. */
export interface WebhookEvent {
  readonly id: EventId;
  readonly tenantId: TenantId;
  readonly type: EventType;
  /** The job or batch it is about. */
  readonly objectId: string;
  readonly createdAt: number;
}

/** A delivery that is due, with all that its sending needs. */
export interface DueDelivery {
  readonly id: DeliveryId;
  readonly event: WebhookEvent;
  readonly url: string;
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

import type { EndedJobStatus } from "./types.ts";

interface EventOf<Type extends string, Status extends string> {
  /** The same in every attempt, redelivery and replay, and equal to the header `webhook-id`. */
  id: string;
  object: "event";
  /** Unix seconds. */
  created_at: number;
  type: Type;
  data: {
    /** Of the object that it is about: fetch it by this. */
    id: string;
    status: Status;
    /** The payload should be full, and the object is longer than 64 KiB. */
    truncated?: true;
    /** With `webhook_payload: "full"`: the object as `GET` answers it. */
    [field: string]: unknown;
  };
}

type EventsOf<Subject extends string, Status extends string> = {
  [S in Status]: EventOf<`${Subject}.${S}`, S>;
}[Status];

/** A job has ended. */
export type JobWebhookEvent = EventsOf<"job", EndedJobStatus>;
/** A batch has ended. */
export type BatchWebhookEvent = EventsOf<"batch", "completed" | "failed" | "cancelled" | "expired">;
/** A background response has ended. */
export type ResponseWebhookEvent = EventsOf<"response", "completed" | "failed" | "cancelled" | "incomplete">;
/** Another endpoint of the tenant was disabled. */
export type EndpointWebhookEvent = EventsOf<"webhook_endpoint", "disabled">;

/** What a webhook tells; more types may come, so let unknown ones pass with a 2xx. */
export type WebhookEvent = JobWebhookEvent | BatchWebhookEvent | ResponseWebhookEvent | EndpointWebhookEvent;

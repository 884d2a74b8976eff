import { eventTypes } from "@sluice/domain";
import { z } from "zod";
import { optionalText, pageFields, text, webhookPayloadSchema } from "./requests.ts";

const eventTypeSchema = z.enum(eventTypes);

const fields = {
  name: optionalText(256),
  url: text(2048),
  event_types: z
    .array(eventTypeSchema)
    .min(1)
    .max(100)
    .transform((types) => [...new Set(types)]),
  webhook_payload: webhookPayloadSchema,
};

/** Body of `POST /v1/webhook_endpoints`: OpenAI's fields, and how much its webhooks tell. */
export const webhookEndpointRequestSchema = z.strictObject({
  ...fields,
  name: fields.name.default(""),
  webhook_payload: fields.webhook_payload.default("thin"),
});

/** Body of `POST /v1/webhook_endpoints/{id}`. */
export const webhookEndpointUpdateSchema = z.strictObject({
  name: fields.name.optional(),
  url: fields.url.optional(),
  event_types: fields.event_types.optional(),
  webhook_payload: fields.webhook_payload.optional(),
  /** `false` disables it, `true` enables one that was disabled. */
  enabled: z.boolean().optional(),
});

/** Body of `POST /v1/webhook_endpoints/{id}/rotate_secret`. */
export const rotateEndpointSecretSchema = z.strictObject({
  keep_old_secret_active_for_24_hours: z.boolean().default(false),
});

/** Body of `POST /v1/webhook_secret/rotate`: how long the old secret signs too, such as `1h`; `0s` ends it at once. */
export const rotateWebhookSecretSchema = z.strictObject({ overlap: text(32).default("24h") });

/** Body of `POST /v1/webhook_endpoints/{id}/test`. */
export const testEndpointSchema = z.strictObject({ event_type: eventTypeSchema });

/** Body of `POST /v1/webhook_endpoints/{id}/replay`: a time, unix seconds, or a duration back from now. */
export const replaySchema = z.strictObject({ since: z.union([text(64), z.int().nonnegative()]) });

/** Query of `GET /v1/webhook_endpoints`. */
export const webhookEndpointListQuerySchema = z.strictObject({
  ...pageFields,
  order: z.enum(["asc", "desc"]).default("desc"),
});

/** Query of the lists of deliveries. */
export const deliveryListQuerySchema = z.strictObject({
  ...pageFields,
  order: z.enum(["asc", "desc"]).default("desc"),
  status: z.enum(["pending", "succeeded", "given_up"]).optional(),
});

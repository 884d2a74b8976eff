// Sign, guard and send webhooks (Standard Webhooks 1.0). The only package besides providers that reaches user-set URLs.

export { guardUrl, type UrlRefusalCode, type UrlVerdict } from "./guard-url.ts";
export type { ResolveHost } from "./guarded-connector.ts";
export {
  type DeliveryAnswer,
  deliveryScheduleMs,
  nextDeliveryDelayMs,
} from "./next-delivery.ts";
export type { SendFailureReason, SendResult } from "./send-result.ts";
export { type SignWebhookInput, signWebhook, webhookHeaders } from "./sign-webhook.ts";
export { newSecret } from "./signing-key.ts";
export {
  createWebhookSender,
  type WebhookRequest,
  type WebhookSender,
  type WebhookSenderOptions,
} from "./webhook-sender.ts";

import type { WebhookEvent } from "@sluice/domain";

const statusOf = (type: string): string => type.slice(type.indexOf(".") + 1);

/** The body of a webhook: thin, as OpenAI's are (`created_at` in unix seconds, `data.id` names the object). */
export function renderWebhook(event: WebhookEvent): string {
  return JSON.stringify({
    id: event.id,
    object: "event",
    created_at: Math.floor(event.createdAt / 1000),
    type: event.type,
    data: { id: event.objectId, status: statusOf(event.type) },
  });
}

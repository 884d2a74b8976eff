import type { WebhookEvent } from "@sluice/domain";

const statusOf = (type: string): string => type.slice(type.indexOf(".") + 1);

/** A webhook's body is at most this long; the object of a longer one is left out. */
export const webhookBodyBytes = 65_536;

/**
 * The body of a webhook: thin, as OpenAI's are (`created_at` in unix seconds, `data.id` names the object), or with
 * `object`, the JSON text of what it is about, as `data`. Where that is too long, `data` is thin and says `truncated`.
 */
export function renderWebhook(event: WebhookEvent, object?: string | "too-long"): string {
  const head = {
    id: event.id,
    object: "event",
    created_at: Math.floor(event.createdAt / 1000),
    type: event.type,
  };
  const thin = { id: event.objectId, status: statusOf(event.type) };
  if (object === undefined) return JSON.stringify({ ...head, data: thin });
  // Spliced in as it is: parsing it would change big numbers in the result.
  const full = `${JSON.stringify(head).slice(0, -1)},"data":${object}}`;
  if (object !== "too-long" && Buffer.byteLength(full) <= webhookBodyBytes) return full;
  return JSON.stringify({ ...head, data: { ...thin, truncated: true } });
}

import { createHmac } from "node:crypto";
import { signingKey } from "./signing-key.ts";

/** What a signature covers; `timestampSeconds` is unix time of this attempt, `id` stays the same over all attempts. */
export interface SignedContent {
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: string | Uint8Array;
}

/** Content to sign and the secrets to sign it with: one, or two while a rotation overlaps (newest first). */
export interface SignWebhookInput extends SignedContent {
  readonly secrets: readonly string[];
}

/** The raw HMAC-SHA256 over `id.timestamp.body`, base64 (Standard Webhooks 1.0, scheme v1). */
function signature(secret: string, content: SignedContent): string {
  return createHmac("sha256", signingKey(secret))
    .update(`${content.id}.${content.timestampSeconds}.`)
    .update(content.body)
    .digest("base64");
}

/**
 * The value of the `webhook-signature` header: one `v1,…` per secret, separated by spaces.
 * Throws when there is no secret, or the id or timestamp would make the signed bytes ambiguous.
 */
export function signWebhook(input: SignWebhookInput): string {
  if (input.secrets.length === 0) throw new Error("a webhook needs at least one secret");
  // A dot in the id would let "a.1" + "2" and "a" + "1.2" sign the same bytes.
  if (!/^[^\s.]+$/.test(input.id)) throw new Error("a webhook id must be without dots and spaces");
  if (!Number.isSafeInteger(input.timestampSeconds))
    throw new Error("a webhook timestamp must be whole seconds");
  return input.secrets.map((secret) => `v1,${signature(secret, input)}`).join(" ");
}

/** All headers a signed webhook carries besides its user agent: content type, id, timestamp and signature. */
export function webhookHeaders(input: SignWebhookInput): Record<string, string> {
  return {
    "content-type": "application/json",
    "webhook-id": input.id,
    "webhook-timestamp": String(input.timestampSeconds),
    "webhook-signature": signWebhook(input),
  };
}

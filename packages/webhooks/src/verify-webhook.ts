import { timingSafeEqual } from "node:crypto";
import { signature } from "./sign-webhook.ts";

/** A received webhook: headers in any case, the body as it came over the wire; times in unix seconds. */
export interface VerifyWebhookInput {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string | Uint8Array;
  readonly secret: string;
  /** How far the timestamp may lie in the past or future; 300 by default. */
  readonly toleranceSeconds?: number;
  readonly nowSeconds: number;
}

export type WebhookVerification =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: "missing-header" | "bad-timestamp" | "outside-tolerance" | "no-match";
    };

/** Checks a webhook's signature and age; any `v1` signature of the list that matches is enough. */
export function verifyWebhook(input: VerifyWebhookInput): WebhookVerification {
  const id = header(input.headers, "webhook-id");
  const timestamp = header(input.headers, "webhook-timestamp");
  const signatures = header(input.headers, "webhook-signature");
  if (!id || !timestamp || !signatures) return { ok: false, reason: "missing-header" };
  if (!/^\d{1,15}$/.test(timestamp)) return { ok: false, reason: "bad-timestamp" };

  const timestampSeconds = Number(timestamp);
  const age = Math.abs(input.nowSeconds - timestampSeconds);
  if (!(age <= (input.toleranceSeconds ?? 300))) return { ok: false, reason: "outside-tolerance" };

  const expected = signature(input.secret, { id, timestampSeconds, body: input.body });
  const matches = signatures
    .split(" ")
    .some((entry) => entry.startsWith("v1,") && equal(entry.slice(3), expected));
  return matches ? { ok: true } : { ok: false, reason: "no-match" };
}

function header(headers: VerifyWebhookInput["headers"], name: string): string | undefined {
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) return typeof value === "string" ? value : value?.[0];
  }
  return undefined;
}

function equal(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

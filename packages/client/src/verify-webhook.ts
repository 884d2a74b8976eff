import { createHmac, timingSafeEqual } from "node:crypto";
import { SluiceError } from "./errors.ts";
import type { WebhookEvent } from "./webhook-event.ts";

/** Headers as `node:http`, Express, Fastify or fetch have them. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Options of {@link verifyWebhook}. */
export interface VerifyWebhookOptions {
  /** How far the timestamp may lie in the past or the future; 300 by default. */
  toleranceSeconds?: number | undefined;
  /** Unix milliseconds; the clock's by default. */
  nowMs?: number | undefined;
}

/** Why a webhook was refused. */
export type WebhookFault =
  | "missing-header"
  | "bad-timestamp"
  | "outside-tolerance"
  | "no-match"
  | "not-an-event";

/** A webhook that is not what it seems to be. Answer it with 400, and do nothing else. */
export class WebhookVerificationError extends SluiceError {
  override readonly name = "WebhookVerificationError";
  readonly reason: WebhookFault;
  constructor(reason: WebhookFault) {
    super(`the webhook is refused: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Checks a webhook's signature and age as Standard Webhooks 1.0 says, and reads its event. `rawBody` are the bytes that
 * came, before any parser. Any `v1` signature that any of the secrets made is enough, so rotations need no gap.
 * Throws a {@link WebhookVerificationError}.
 */
export function verifyWebhook(
  rawBody: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  { toleranceSeconds = 300, nowMs = Date.now() }: VerifyWebhookOptions = {},
): WebhookEvent {
  if (typeof rawBody !== "string" && !(rawBody instanceof Uint8Array))
    throw new SluiceError("a webhook is verified by the bytes that came, not by what a parser made of them");
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  if (!id || !timestamp || !signatures) throw new WebhookVerificationError("missing-header");
  if (!/^\d{1,15}$/.test(timestamp)) throw new WebhookVerificationError("bad-timestamp");
  const age = Math.abs(Math.floor(nowMs / 1000) - Number(timestamp));
  if (!(age <= toleranceSeconds)) throw new WebhookVerificationError("outside-tolerance");

  const expected = [secret ?? ""]
    .flat()
    .map((one) => createHmac("sha256", keyOf(one)).update(`${id}.${timestamp}.`).update(rawBody).digest());
  if (!signatures.split(" ").some((entry) => matches(entry, expected)))
    throw new WebhookVerificationError("no-match");
  return eventOf(rawBody);
}

/** The key a secret stands for: decoded base64 after `whsec_`, otherwise its UTF-8 bytes. */
function keyOf(secret: string): Buffer {
  const prefix = "whsec_";
  const key = secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), "base64")
    : Buffer.from(secret);
  if (key.length === 0) throw new SluiceError("the webhook secret is empty");
  return key;
}

function matches(entry: string, expected: readonly Buffer[]): boolean {
  if (!entry.startsWith("v1,")) return false;
  const given = Buffer.from(entry.slice(3), "base64");
  return expected.some((one) => one.length === given.length && timingSafeEqual(one, given));
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) return typeof value === "string" ? value : value?.[0];
  }
  return undefined;
}

function eventOf(rawBody: string | Uint8Array): WebhookEvent {
  const text = typeof rawBody === "string" ? rawBody : new TextDecoder().decode(rawBody);
  try {
    const event = JSON.parse(text) as WebhookEvent | null;
    if (typeof event?.type === "string" && typeof event.data === "object") return event;
  } catch {
    // Signed, and no JSON: not by Sluice.
  }
  throw new WebhookVerificationError("not-an-event");
}

import { createHash } from "node:crypto";
import { type IdempotencyKey, SluiceError } from "@sluice/domain";
import { guardUrl } from "@sluice/webhooks";
import type { FastifyRequest } from "fastify";

/** What any create call may carry in headers, for clients whose bodies cannot be extended. */
export interface Tags {
  readonly sla?: string | undefined;
  readonly deadline?: string | undefined;
  readonly priority?: number | undefined;
  readonly webhookUrl?: string | undefined;
}

/** Reads the `x-sluice-*` headers. Throws when the priority is not 0–9. */
export function tagsOf(request: FastifyRequest): Tags {
  const priority = header(request, "x-sluice-priority");
  if (priority !== undefined && !/^[0-9]$/.test(priority)) {
    throw new SluiceError("invalid_value", "'x-sluice-priority' must be a digit from 0 to 9.", {
      param: "x-sluice-priority",
    });
  }
  return {
    sla: header(request, "x-sluice-sla"),
    deadline: header(request, "x-sluice-deadline"),
    priority: priority === undefined ? undefined : Number(priority),
    webhookUrl: header(request, "x-sluice-webhook-url"),
  };
}

/** Whether a client says that it has made this call before. OpenAI's and Anthropic's count so. */
export function isRetry(request: FastifyRequest): boolean {
  return Number(header(request, "x-stainless-retry-count") ?? 0) >= 1;
}

/** Seconds that a call waits for its job, as it asks or by default. Throws when they are none. */
export function waitSecondsOf(request: FastifyRequest, byDefault: number, most: number): number {
  const text = header(request, "x-sluice-wait");
  if (text === undefined) return byDefault;
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && Number(text) <= most) return Number(text);
  throw new SluiceError("invalid_value", `'x-sluice-wait' must be seconds from 0 to ${most}.`, {
    param: "x-sluice-wait",
  });
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The caller's `Idempotency-Key` with what a repetition is compared by. */
export function idempotencyOf(
  request: FastifyRequest,
  route: string,
  bytes: Buffer,
): IdempotencyKey | undefined {
  const key = idempotencyKeyOf(request);
  return key === undefined
    ? undefined
    : { route, key, bodySha256: createHash("sha256").update(bytes).digest() };
}

/** The `Idempotency-Key`, if one was sent. Throws when it is too long. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = header(request, "idempotency-key");
  if (key === undefined || key.length <= 255) return key;
  throw new SluiceError("invalid_value", "'Idempotency-Key' may have at most 255 characters.", {
    param: "Idempotency-Key",
  });
}

/** Refuses a webhook URL that is not https or leads into a private network. Names are checked again when connecting. */
export function checkWebhookUrl(url: string | undefined, allowNetworks: readonly string[]): void {
  if (url !== undefined) checkUrl("webhook_url", url, allowNetworks);
}

/** The same of a URL in the field `param`. */
export function checkUrl(param: string, url: string, allowNetworks: readonly string[]): void {
  const verdict = guardUrl(url, { allowNetworks });
  if (!verdict.ok)
    throw new SluiceError("webhook_url_forbidden", `'${param}' ${verdict.message}.`, { param });
}

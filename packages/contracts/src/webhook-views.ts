import type { DeliveryAttempt, DeliveryRecord, WebhookEndpoint } from "@sluice/domain";

const iso = (at: number): string => new Date(at).toISOString();
const seconds = (at: number): number => Math.floor(at / 1000);

/** An endpoint in OpenAI's shape, and ours beside it; `secret` only when it was just made. */
export function renderWebhookEndpoint(
  endpoint: WebhookEndpoint,
  secret?: string,
): Record<string, unknown> & { id: string } {
  const { disabled, failing } = endpoint;
  return {
    id: endpoint.id,
    object: "webhook_endpoint",
    name: endpoint.name,
    url: endpoint.url,
    event_types: endpoint.eventTypes,
    created_at: seconds(endpoint.createdAt),
    updated_at: seconds(endpoint.updatedAt),
    signing_secret_hint: `whsec_…${endpoint.secretHint}`,
    ...(secret === undefined ? {} : { signing_secret: secret }),
    webhook_payload: endpoint.payload,
    status: disabled === undefined ? "enabled" : "disabled",
    disabled_at: disabled === undefined ? null : seconds(disabled.at),
    disabled_reason: disabled?.reason ?? null,
    failing_since: failing === undefined ? null : seconds(failing.since),
  };
}

/** A delivery with all its attempts; status, latency and answer of the last stand beside them. */
export function renderDelivery(delivery: DeliveryRecord): Record<string, unknown> & { id: string } {
  const last = delivery.attempts.at(-1);
  return {
    id: delivery.id,
    object: "webhook_delivery",
    status: delivery.state,
    event_id: delivery.event.id,
    event_type: delivery.event.type,
    object_id: delivery.event.objectId,
    webhook_endpoint_id: delivery.endpointId ?? null,
    url: delivery.url,
    test: delivery.test,
    created_at: iso(delivery.createdAt),
    next_attempt_at: delivery.nextAttemptAt === undefined ? null : iso(delivery.nextAttemptAt),
    ...answerOf(last),
    attempts: delivery.attempts.map((attempt) => ({
      number: attempt.number,
      at: iso(attempt.at),
      ...answerOf(attempt),
    })),
  };
}

function answerOf(attempt: DeliveryAttempt | undefined): Record<string, unknown> {
  return {
    status_code: attempt?.statusCode ?? null,
    latency_ms: attempt?.latencyMs ?? null,
    error: attempt?.reason ?? null,
    response: attempt?.responseSnippet ?? null,
  };
}

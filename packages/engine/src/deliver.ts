import type {
  Clock,
  DeliveryId,
  DeliveryLedger,
  DueDelivery,
  Logger,
  Metrics,
  Random,
  TenantLedger,
  Tracer,
  Verdict,
  WebhookEvent,
} from "@sluice/domain";

/** How one sending ended (webhooks). */
export type SendResult =
  | {
      readonly kind: "delivered";
      readonly status: number;
      readonly latencyMs: number;
      readonly responseSnippet: string;
    }
  | {
      readonly kind: "rejected";
      readonly status: number;
      readonly latencyMs: number;
      readonly responseSnippet: string;
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly kind: "failed"; readonly reason: string; readonly latencyMs: number };

export interface DeliverPorts {
  readonly ledger: DeliveryLedger & Pick<TenantLedger, "webhookSecrets">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly render: (event: WebhookEvent) => string;
  readonly newSecret: () => string;
  readonly sign: (message: {
    secrets: readonly string[];
    id: string;
    timestampSeconds: number;
    body: string;
  }) => string;
  readonly send: (request: {
    url: string;
    headers: Record<string, string>;
    body: string;
    signal: AbortSignal;
  }) => Promise<SendResult>;
  /** When to try again after the nth attempt; `undefined` when it is given up. */
  readonly nextDelayMs: (
    attempt: number,
    random: number,
    answer: { status?: number | undefined; retryAfterMs?: number | undefined },
  ) => number | undefined;
}

const claimLeaseMs = 60_000;

/** Sends one due delivery and records what came of it. At-least-once: a crash after sending sends it again, under the same id. */
export async function deliver(ports: DeliverPorts, id: DeliveryId, signal: AbortSignal): Promise<Verdict> {
  const due = await ports.ledger.claimDelivery(id, ports.clock.now(), claimLeaseMs);
  if (due === undefined) return { kind: "done", reference: "not due" };
  const sentAt = ports.clock.now();
  const result = await ports.tracer.inSpan(
    "webhook.deliver",
    {
      parent: due.traceparent,
      attributes: { "sluice.delivery.id": id, "sluice.event.type": due.event.type },
    },
    () => sendOnce(ports, due, sentAt, signal),
  );
  // Our own doing, not the receiver's: no attempt. The claim ends by itself, and only then can it be had again.
  if (result.kind === "failed" && result.reason === "aborted")
    return { kind: "later", at: sentAt + claimLeaseMs };
  const number = due.attempts + 1;
  const next = nextStep(ports, result, number);
  await ports.ledger.recordDelivery(
    {
      deliveryId: id,
      number,
      at: sentAt,
      latencyMs: result.latencyMs,
      statusCode: "status" in result ? result.status : undefined,
      reason: result.kind === "failed" ? result.reason : undefined,
      responseSnippet: "responseSnippet" in result ? result.responseSnippet : undefined,
    },
    next,
  );
  ports.metrics.increment("sluice_webhook_deliveries_total", { result: next.kind });
  if (next.kind === "retry") return { kind: "later", at: next.at };
  if (next.kind === "succeeded") return { kind: "done", reference: id };
  ports.logger.warn({ deliveryId: id, eventId: due.event.id, attempts: number }, "the webhook is given up");
  return { kind: "failed", code: "given_up" };
}

async function sendOnce(
  ports: DeliverPorts,
  due: DueDelivery,
  sentAt: number,
  signal: AbortSignal,
): Promise<SendResult> {
  const secrets = await secretsOf(ports, due, sentAt);
  const body = ports.render(due.event);
  const timestampSeconds = Math.floor(sentAt / 1000);
  const signature = ports.sign({ secrets, id: due.event.id, timestampSeconds, body });
  const headers = {
    "content-type": "application/json",
    "webhook-id": due.event.id,
    "webhook-timestamp": String(timestampSeconds),
    "webhook-signature": signature,
  };
  return ports.send({ url: due.url, headers, body, signal });
}

/** A tenant that never asked for its secret has none yet: it is made now, and read when its first webhook is checked. */
async function secretsOf(ports: DeliverPorts, due: DueDelivery, now: number): Promise<readonly string[]> {
  if (due.secrets.length > 0) return due.secrets;
  return ports.ledger.webhookSecrets(due.event.tenantId, ports.newSecret, now);
}

function nextStep(ports: DeliverPorts, result: SendResult, number: number) {
  if (result.kind === "delivered") return { kind: "succeeded" as const };
  const answer =
    result.kind === "rejected" ? { status: result.status, retryAfterMs: result.retryAfterMs } : {};
  const delayMs = ports.nextDelayMs(number, ports.random.next(), answer);
  if (delayMs === undefined) return { kind: "given_up" as const };
  return { kind: "retry" as const, at: ports.clock.now() + delayMs };
}

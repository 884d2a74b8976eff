import {
  assertNever,
  type Clock,
  type DeliveryAttempt,
  type DeliveryId,
  type DeliveryLedger,
  type DeliveryStep,
  type DueDelivery,
  type IdQueue,
  type Logger,
  type Metrics,
  type Random,
  type ReceiverEffect,
  type ReceiverKey,
  type TenantLedger,
  type Tracer,
  type Verdict,
  type WebhookEvent,
  type WebhookPayload,
} from "@sluice/domain";
import type { ReceiverGate } from "./receiver-gate.ts";

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
  readonly render: (event: WebhookEvent, payload: WebhookPayload) => Promise<string>;
  readonly gate: ReceiverGate;
  /** Longer than a sending may take. */
  readonly claimLeaseMs: number;
  readonly deliveries: IdQueue;
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

/**
 * Sends one due delivery and records what came of it. At-least-once: a crash after sending sends it again, under the
 * same id. What its receiver has no room for stays in the ledger; what ends here makes room for the next of it.
 */
export async function deliver(ports: DeliverPorts, id: DeliveryId, signal: AbortSignal): Promise<Verdict> {
  const due = await claim(ports, id);
  if (due === undefined) return { kind: "done", reference: "not due" };
  const key = { tenantId: due.event.tenantId, receiver: due.receiver };
  try {
    return await attempt(ports, due, signal);
  } finally {
    const waiting = due.test ? [] : ports.gate.leave(key);
    for (const next of waiting) void callBack(ports, next.key, next.room);
  }
}

/** Claims a delivery with a place for it. Many may claim at once, so the place is looked at again afterwards. */
async function claim(ports: DeliverPorts, id: DeliveryId): Promise<DueDelivery | undefined> {
  const { ledger, gate, clock } = ports;
  for (;;) {
    const claimed = await ledger.claimDelivery(id, clock.now(), ports.claimLeaseMs, gate.busy());
    switch (claimed.kind) {
      case "none":
        return undefined;
      case "held":
        // It has room, but is not to be called: its turn comes by the dispatcher.
        gate.forget(claimed.key);
        return undefined;
      case "busy":
        if (gate.wait(claimed.key)) return undefined;
        break;
      case "claimed": {
        const { due } = claimed;
        const key = { tenantId: due.event.tenantId, receiver: due.receiver };
        if (due.test || gate.enter(key)) return due;
        await ledger.releaseDelivery(id);
        if (gate.wait(key)) return undefined;
        break;
      }
      default:
        return assertNever(claimed);
    }
  }
}

/**
 * Puts as many deliveries of a receiver into the queue as it has room for: some may be there already, and another
 * process may have taken some. Never rejects: the dispatcher finds what is left out.
 */
async function callBack(ports: DeliverPorts, key: ReceiverKey, room: number): Promise<void> {
  try {
    const due = await ports.ledger.dueOfReceiver(key, ports.clock.now(), room);
    if (due.length < room) ports.gate.forget(key);
    if (due.length > 0) await ports.deliveries.add(due.map((id) => ({ id })));
  } catch (error) {
    ports.logger.warn({ err: error }, "what waits for a receiver is left to the dispatcher");
  }
}

async function attempt(ports: DeliverPorts, due: DueDelivery, signal: AbortSignal): Promise<Verdict> {
  const { id } = due;
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
    return { kind: "later", at: sentAt + ports.claimLeaseMs };
  const number = due.attempts + 1;
  const next = nextStep(ports, due, result);
  const effect = await ports.ledger.recordDelivery(attemptOf(due, result, sentAt), next);
  ports.metrics.increment("sluice_webhook_deliveries_total", { result: next.kind });
  await tellOfReceiver(ports, due, effect, next.kind === "succeeded");
  if (next.kind === "retry") return { kind: "later", at: next.at };
  if (next.kind === "succeeded") return { kind: "done", reference: id };
  ports.logger.warn({ deliveryId: id, eventId: due.event.id, attempts: number }, "the webhook is given up");
  return { kind: "failed", code: "given_up" };
}

function attemptOf(due: DueDelivery, result: SendResult, at: number): DeliveryAttempt {
  return {
    deliveryId: due.id,
    number: due.attempts + 1,
    at,
    latencyMs: result.latencyMs,
    statusCode: "status" in result ? result.status : undefined,
    reason: result.kind === "failed" ? result.reason : undefined,
    responseSnippet: "responseSnippet" in result ? result.responseSnippet : undefined,
  };
}

/** A receiver that works again has a backlog to catch up with; one that is disabled is told to the others. */
async function tellOfReceiver(
  ports: DeliverPorts,
  { receiver, receiverFailures, event: { tenantId } }: DueDelivery,
  effect: ReceiverEffect,
  succeeded: boolean,
): Promise<void> {
  if (succeeded && receiverFailures > 0) await callBack(ports, { tenantId, receiver }, catchUpAtOnce);
  if (effect.kind === "none") return;
  ports.metrics.increment("sluice_webhook_endpoints_disabled_total", {});
  ports.logger.warn({ endpointId: receiver, tenantId }, "a webhook endpoint is disabled");
  await ports.deliveries.add(effect.deliveryIds.map((id) => ({ id }))).catch(() => undefined);
}

/** The rest follows as these end. */
const catchUpAtOnce = 16;

async function sendOnce(
  ports: DeliverPorts,
  due: DueDelivery,
  sentAt: number,
  signal: AbortSignal,
): Promise<SendResult> {
  const secrets = await secretsOf(ports, due, sentAt);
  const body = await ports.render(due.event, due.payload);
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

function nextStep(ports: DeliverPorts, due: DueDelivery, result: SendResult): DeliveryStep {
  if (result.kind === "delivered") return { kind: "succeeded" };
  if (due.test) return { kind: "given_up" };
  const answer =
    result.kind === "rejected" ? { status: result.status, retryAfterMs: result.retryAfterMs } : {};
  const delayMs = ports.nextDelayMs(due.attempts + 1, ports.random.next(), answer);
  if (delayMs === undefined) return { kind: "given_up" };
  return { kind: "retry", at: ports.clock.now() + delayMs };
}

import {
  messageResultsUrl,
  renderBatch,
  renderJob,
  renderMessageBatch,
  renderResponse,
  renderWebhook,
} from "@sluice/contracts";
import type { Batch, DeliveryId, WebhookEvent, WebhookPayload } from "@sluice/domain";
import { createReceiverGate, deliver, renderEvent } from "@sluice/engine";
import { createIdConsumer, createIdQueue } from "@sluice/queue";
import type { Runtime, StartedRole } from "@sluice/role";
import { createWebhookSender, newSecret, nextDeliveryDelayMs, signWebhook } from "@sluice/webhooks";

const concurrency = 256;
/** A receiver that answers slowly, or a tenant that has many of those, leaves the others their places. */
const shares = { perReceiver: 8, perTenant: 64 };
/** A claim outlives its sending, also on a process that pauses for seconds. */
const claimSlackMs = 45_000;
const shutdownGraceMs = 10_000;

/** Wires the delivery of webhooks. The networks it may reach are read once: a change takes a restart. */
export async function startDelivery(runtime: Runtime): Promise<StartedRole> {
  const { ledger, clock, random, logger, metrics, environment } = runtime;
  const { allowNetworks, timeoutMs } = runtime.config().webhooks;
  const sender = createWebhookSender({ allowNetworks, timeoutMs });
  const { publicUrl } = environment;
  const renderAny = (batch: Batch) =>
    batch.dialect === "openai" ? renderBatch(batch) : renderMessageBatch(batch, resultsUrl(publicUrl, batch));
  const deliveries = createIdQueue({ redis: runtime.redis("producer"), name: "delivery", clock });
  const ports = {
    ledger,
    clock,
    random,
    logger,
    metrics,
    tracer: runtime.tracing,
    render: (event: WebhookEvent, payload: WebhookPayload) =>
      renderEvent(
        { ledger, renderJob, renderBatch: renderAny, renderResponse, renderWebhook },
        event,
        payload,
      ),
    gate: createReceiverGate(shares),
    claimLeaseMs: timeoutMs + claimSlackMs,
    deliveries,
    newSecret,
    sign: signWebhook,
    send: sender.send,
    nextDelayMs: nextDeliveryDelayMs,
  };
  const consumer = createIdConsumer({
    redis: runtime.redis("worker"),
    name: "delivery",
    concurrency,
    workerName: `${environment.hostname}:${process.pid}`,
    clock,
    handler: (id, { signal }) => deliver(ports, id as DeliveryId, signal),
    onError: (error) => logger.warn({ err: error }, "the delivery queue has a problem"),
  });
  runtime.health.addCheck("ledger", async () => {
    await ledger.ping();
    return { ok: true };
  });
  return {
    async stop() {
      await consumer.close({ graceMs: shutdownGraceMs });
      await sender.close();
      await deliveries.close();
    },
  };
}

/** Without a public address there is none that a receiver could ask. */
function resultsUrl(publicUrl: string | undefined, batch: Batch): string | null {
  return publicUrl === undefined ? null : messageResultsUrl(publicUrl, batch);
}

import {
  type Batch,
  type BatchId,
  type BatchLedger,
  idFromUuid,
  type Job,
  type JobId,
  type JobLedger,
  type Payload,
  parseId,
  type WebhookEvent,
  type WebhookPayload,
} from "@sluice/domain";

export interface RenderEventPorts {
  readonly ledger: Pick<JobLedger, "findJob"> & Pick<BatchLedger, "findBatch">;
  /** The bodies of the API's `GET`, and of a webhook (contracts). */
  readonly renderJob: (job: Job, body: Buffer | undefined) => string;
  readonly renderBatch: (batch: Batch) => unknown;
  readonly renderWebhook: (event: WebhookEvent, object?: string) => string;
}

/**
 * The body of an event's webhook. A full one has the job or batch as its owner reads it now; it is thin when that is
 * gone, never was (a test), or is of a kind that has nothing more to tell.
 */
export async function renderEvent(
  ports: RenderEventPorts,
  event: WebhookEvent,
  payload: WebhookPayload,
): Promise<string> {
  const object = payload === "full" ? await objectOf(ports, event) : undefined;
  return ports.renderWebhook(event, object);
}

async function objectOf(ports: RenderEventPorts, event: WebhookEvent): Promise<string | undefined> {
  const { ledger } = ports;
  const [kind] = event.type.split(".");
  if (kind === "batch") {
    const uuid = parseId("messageBatch", event.objectId);
    const id = uuid === undefined ? (event.objectId as BatchId) : idFromUuid("batch", uuid);
    const batch = await ledger.findBatch(event.tenantId, id);
    return batch && JSON.stringify(ports.renderBatch(batch));
  }
  if (kind !== "job") return undefined;
  const job = await ledger.findJob(event.tenantId, event.objectId as JobId);
  if (job === undefined) return undefined;
  const body = bytesAtHand(job.result?.body);
  return body === "too-long" ? body : ports.renderJob(job, body);
}

/** What is in the file store is longer than a webhook may be. */
function bytesAtHand(payload: Payload | undefined): Buffer | "too-long" | undefined {
  if (payload === undefined) return undefined;
  return payload.kind === "inline" ? payload.bytes : "too-long";
}

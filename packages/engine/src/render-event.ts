import {
  type Batch,
  type BatchLedger,
  type Job,
  type JobId,
  type JobLedger,
  type Payload,
  parseBatchId,
  type ResponseId,
  type WebhookEvent,
  type WebhookPayload,
} from "@sluice/domain";

export interface RenderEventPorts {
  readonly ledger: Pick<JobLedger, "findJob" | "findResponse"> & Pick<BatchLedger, "findBatch">;
  /** The bodies of the API's `GET`, and of a webhook (contracts). */
  readonly renderJob: (job: Job, body: Buffer | undefined) => string;
  readonly renderBatch: (batch: Batch) => unknown;
  readonly renderResponse: (job: Job, request: Buffer, body: Buffer | undefined) => string;
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
    const id = parseBatchId(event.objectId);
    const batch = id && (await ledger.findBatch(event.tenantId, id));
    return batch && JSON.stringify(ports.renderBatch(batch));
  }
  if (kind === "job") return jobOf(ports, event);
  return kind === "response" ? responseOf(ports, event) : undefined;
}

async function jobOf(
  ports: RenderEventPorts,
  { tenantId, objectId }: WebhookEvent,
): Promise<string | undefined> {
  const job = await ports.ledger.findJob(tenantId, objectId as JobId);
  if (job === undefined) return undefined;
  const body = bytesAtHand(job.result?.body);
  return body === "too-long" ? body : ports.renderJob(job, body);
}

async function responseOf(ports: RenderEventPorts, event: WebhookEvent): Promise<string | undefined> {
  const job = await ports.ledger.findResponse(event.tenantId, event.objectId as ResponseId);
  if (job === undefined) return undefined;
  const request = bytesAtHand(job.body);
  const body = bytesAtHand(job.result?.body);
  if (request === "too-long" || body === "too-long") return "too-long";
  return ports.renderResponse(job, request ?? Buffer.alloc(0), body);
}

/** What is in the file store is longer than a webhook may be. */
function bytesAtHand(payload: Payload | undefined): Buffer | "too-long" | undefined {
  if (payload === undefined) return undefined;
  return payload.kind === "inline" ? payload.bytes : "too-long";
}

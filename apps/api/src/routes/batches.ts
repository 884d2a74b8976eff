import {
  batchBodySchema,
  batchListQuerySchema,
  failureLineBytes,
  parseBatchRequest,
  parseWith,
  renderBatch,
  renderList,
  routingWishes,
} from "@sluice/contracts";
import { type Batch, type BatchId, isId, SluiceError } from "@sluice/domain";
import { acceptBatch, answerOf, newEventIds } from "@sluice/engine";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { checkCursor } from "../cursor.ts";
import { estimateOfBatch } from "../estimate-of.ts";
import { freshBatch } from "../fresh-batch.ts";
import { jsonBody } from "../json-body.ts";
import { queueCheck } from "../room-check.ts";
import { checkWebhookUrl, idempotencyOf, tagsOf } from "../tags.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

/** `/v1/batches`, in OpenAI's shapes. */
export function batchRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.post(
    "/v1/batches",
    { ...describe("Batches", "Create a batch", { body: batchBodySchema }), onRequest: queueCheck(ports) },
    (request, reply) => create(ports, request, reply),
  );
  server.get(
    "/v1/batches",
    describe("Batches", "List batches, newest first", { query: batchListQuerySchema }),
    (request) => list(ports, request),
  );
  server.get<WithId>("/v1/batches/:id", describe("Batches", "Read a batch"), async (request) =>
    view(ports, await requireBatch(ports, request)),
  );
  server.post<WithId>("/v1/batches/:id/cancel", describe("Batches", "Cancel a batch"), (request) =>
    cancel(ports, request),
  );
}

async function view(ports: ApiPorts, batch: Batch): Promise<unknown> {
  const last = batch.status === "in_progress" ? await ports.ledger.findLastLine(batch.id) : undefined;
  return renderBatch(batch, estimateOfBatch(ports.config(), ports, batch, last));
}

async function create(ports: ApiPorts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { value, bytes } = jsonBody(request);
  const asked = parseBatchRequest(value);
  const tags = tagsOf(request);
  const webhookUrl = asked.webhook_url ?? tags.webhookUrl;
  checkWebhookUrl(webhookUrl, ports.config().webhooks.allowNetworks);
  const { result, body } = await acceptBatch(ports, {
    tenantId: callerOf(request).tenantId,
    inputFileId: asked.input_file_id,
    endpoint: asked.endpoint,
    completionWindow: asked.completion_window,
    sla: asked.sla ?? tags.sla,
    priority: asked.priority ?? tags.priority,
    metadata: asked.metadata ?? undefined,
    routing: asked.routing && routingWishes(asked.routing),
    webhookUrl,
    webhookPayload: asked.webhook_payload,
    webhookJobs: asked.webhook_jobs,
    keyId: callerOf(request).keyId,
    maxSpendUsd: asked.max_spend_usd,
    stopOnErrorRate: asked.stop_on_error_rate,
    outputLifeSeconds: asked.output_expires_after?.seconds,
    deadline: tags.deadline,
    retryOf: asked.retry_of,
    resumeFrom: asked.retry_of === undefined ? asked.resume_from : undefined,
    traceparent: typeof request.headers.traceparent === "string" ? request.headers.traceparent : undefined,
    idempotency: idempotencyOf(request, "POST /v1/batches", bytes),
    render: (spec) => JSON.stringify(renderBatch(freshBatch(spec), { estimate: undefined, atRisk: false })),
  });
  const answer = answerOf(result, body, 200);
  if (answer.replayed) reply.header("idempotent-replayed", "true");
  return reply.code(answer.status).type("application/json").send(answer.body);
}

async function cancel(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const { id } = await requireBatch(ports, request);
  const newIds = () => newEventIds(ports.ids);
  const batch = await ports.ledger.cancelBatch(
    callerOf(request).tenantId,
    id,
    ports.clock.now(),
    newIds,
    failureLineBytes,
  );
  if (batch === undefined) throw notFound(id);
  if (batch.status !== "cancelling" && batch.status !== "cancelled") {
    throw new SluiceError("already_ended", `Cannot cancel a batch with status '${batch.status}'.`);
  }
  return renderBatch(batch);
}

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const { after, limit } = parseWith(batchListQuerySchema, request.query);
  checkCursor("batch", after);
  const batches = await ports.ledger.listBatches(callerOf(request).tenantId, "openai", {
    after,
    limit: limit + 1,
    order: "desc",
  });
  return renderList(
    batches.map((batch) => renderBatch(batch)),
    limit,
  );
}

async function requireBatch(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<Batch> {
  const id = batchIdOf(request);
  const batch = await ports.ledger.findBatch(callerOf(request).tenantId, id, "openai");
  if (batch === undefined) throw notFound(id);
  return batch;
}

function batchIdOf(request: FastifyRequest<WithId>): BatchId {
  const { id } = request.params;
  if (!isId("batch", id)) throw notFound(id);
  return id;
}

function notFound(id: string): SluiceError {
  return new SluiceError("not_found", `No such batch: '${id.slice(0, 64)}'.`, { param: "id" });
}

import { Readable } from "node:stream";
import {
  failureLineBytes,
  keepRequest,
  messageBatchBodySchema,
  messageBatchId,
  messageBatchListQuerySchema,
  messageResultsUrl,
  parseWith,
  readKeptRequest,
  renderMessageBatch,
  renderMessageResult,
  renderUnrunResult,
} from "@sluice/contracts";
import { type Batch, type BatchId, isBatchEnded, isId, parseBatchId, SluiceError } from "@sluice/domain";
import { acceptMessageBatch, answerOf, newEventIds, readMessageResults } from "@sluice/engine";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { freshBatch } from "../fresh-batch.ts";
import { readAway } from "../read-away.ts";
import { receiveRequests } from "../receive-requests.ts";
import { queueCheck } from "../room-check.ts";
import { checkWebhookUrl, idempotencyKeyOf, tagsOf } from "../tags.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

const path = "/v1/messages/batches";
const tag = "Message batches";
/** Room for what stands around the params of a request. */
const envelopeBytes = 4096;

/** `/v1/messages/batches`, in Anthropic's shapes. */
export function messageBatchRoutes(server: FastifyInstance, ports: ApiPorts): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The one body there is, is read by its handler, at its own pace.
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    const body = messageBatchBodySchema;
    const described = describe(tag, "Create a message batch; its body is streamed in", { body });
    scope.post(path, { ...described, onRequest: queueCheck(ports) }, (request, reply) =>
      create(ports, request, reply),
    );
    const query = messageBatchListQuerySchema;
    scope.get(path, describe(tag, "List message batches, newest first", { query }), (request) =>
      list(ports, request),
    );
    scope.get<WithId>(`${path}/:id`, describe(tag, "Read a message batch"), async (request) =>
      view(ports, request, await requireBatch(ports, request)),
    );
    scope.post<WithId>(`${path}/:id/cancel`, describe(tag, "Cancel a message batch"), (request) =>
      cancel(ports, request),
    );
    scope.delete<WithId>(
      `${path}/:id`,
      describe(tag, "Delete an ended message batch with its results"),
      (request) => remove(ports, request),
    );
    scope.get<WithId>(
      `${path}/:id/results`,
      describe(tag, "Read the results of an ended message batch, as JSONL"),
      (request, reply) => results(ports, request, reply),
    );
  });
}

async function create(ports: ApiPorts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  try {
    const { status, body, replayed } = await accept(ports, request);
    if (replayed) reply.header("idempotent-replayed", "true");
    return reply.code(status).type("application/json").send(body);
  } catch (error) {
    await readAway(request.raw);
    throw error;
  }
}

async function accept(ports: ApiPorts, request: FastifyRequest) {
  const { webhooks, limits } = ports.config();
  const tags = tagsOf(request);
  checkWebhookUrl(tags.webhookUrl, webhooks.allowNetworks);
  const key = idempotencyKeyOf(request);
  const mostRequestBytes = limits.jobBodyBytes + envelopeBytes;
  const received = receiveRequests(request, { mostBytes: limits.messageBatchBytes, mostRequestBytes });
  const { traceparent } = request.headers;
  const { tenantId, keyId } = callerOf(request);
  const { result, body } = await acceptMessageBatch(ports, {
    tenantId,
    keyId,
    ...tags,
    requests: received.requests,
    keepRequest,
    mostRequests: limits.messageBatchRequests,
    traceparent: typeof traceparent === "string" ? traceparent : undefined,
    idempotency: () =>
      key === undefined ? undefined : { route: `POST ${path}`, key, bodySha256: received.bodySha256() },
    render: (spec) => JSON.stringify(renderMessageBatch(freshBatch(spec), null)),
  });
  return answerOf(result, body, 200);
}

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const { before_id: before, after_id: after, limit } = parseWith(messageBatchListQuerySchema, request.query);
  const cursor = before === undefined ? cursorOf("after_id", after) : cursorOf("before_id", before);
  const order = before === undefined ? "desc" : "asc";
  const page = { after: cursor, limit: limit + 1, order } as const;
  const found = await ports.ledger.listBatches(callerOf(request).tenantId, "anthropic", page);
  const batches = found.slice(0, limit);
  if (before !== undefined) batches.reverse();
  const data = batches.map((batch) => view(ports, request, batch));
  const [first, last] = [batches[0], batches.at(-1)];
  return {
    data,
    has_more: found.length > limit,
    first_id: first === undefined ? null : messageBatchId(first),
    last_id: last === undefined ? null : messageBatchId(last),
  };
}

async function cancel(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const { id, tenantId } = await requireBatch(ports, request);
  const newIds = () => newEventIds(ports.ids);
  const batch = await ports.ledger.cancelBatch(tenantId, id, ports.clock.now(), newIds, failureLineBytes);
  if (batch === undefined) throw notFound(request.params.id);
  if (batch.status !== "cancelling" && batch.status !== "cancelled")
    throw new SluiceError("already_ended", "The message batch has ended and cannot be canceled.");
  return view(ports, request, batch);
}

async function remove(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const batch = await requireBatch(ports, request);
  requireEnded(batch, "deleted: cancel it first, or wait");
  if (!(await ports.ledger.deleteBatch(batch.tenantId, batch.id, ports.clock.now())))
    throw notFound(request.params.id);
  return { id: messageBatchId(batch), type: "message_batch_deleted" };
}

async function results(
  ports: ApiPorts,
  request: FastifyRequest<WithId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const batch = await requireBatch(ports, request);
  requireEnded(batch, "read: it has no results yet");
  const lines = readMessageResults(
    {
      ledger: ports.ledger,
      files: ports.files,
      renderLine: renderMessageResult,
      customIdOf: (line) => readKeptRequest(line).customId,
      renderUnrun: renderUnrunResult,
    },
    batch,
  );
  // HEAD is answered as GET, and the body that is left out need not be read.
  return reply
    .type("application/x-jsonl")
    .header("cache-control", "private, no-transform")
    .send(request.method === "HEAD" ? Readable.from([]) : lines);
}

function view({ publicUrl }: ApiPorts, request: FastifyRequest, batch: Batch): Record<string, unknown> {
  return renderMessageBatch(batch, messageResultsUrl(publicUrl ?? addressOf(request), batch));
}

/** Where the client has reached us, also through a proxy that ends TLS. */
function addressOf({ protocol, host, headers }: FastifyRequest): string {
  return `${headers["x-forwarded-proto"] === "https" ? "https" : protocol}://${host}`;
}

function requireEnded({ status }: Batch, what: string): void {
  if (isBatchEnded(status)) return;
  throw new SluiceError("not_ended", `The message batch has not ended, and cannot be ${what}.`);
}

async function requireBatch(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<Batch> {
  const id = batchIdOf(request.params.id);
  const batch =
    id === undefined ? undefined : await ports.ledger.findBatch(callerOf(request).tenantId, id, "anthropic");
  if (batch === undefined) throw notFound(request.params.id);
  return batch;
}

function cursorOf(param: string, id: string | undefined): BatchId | undefined {
  if (id === undefined) return undefined;
  const cursor = batchIdOf(id);
  if (cursor !== undefined) return cursor;
  throw new SluiceError("invalid_value", `'${param}' must be the id of a message batch.`, { param });
}

function batchIdOf(id: string): BatchId | undefined {
  return isId("messageBatch", id) ? parseBatchId(id) : undefined;
}

function notFound(id: string): SluiceError {
  return new SluiceError("not_found", `No such message batch: '${id.slice(0, 64)}'.`);
}

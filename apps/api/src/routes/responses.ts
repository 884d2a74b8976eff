import {
  inputItemsQuerySchema,
  isJsonObject,
  parseJson,
  parseWith,
  type ResponseRequest,
  renderInputItems,
  renderList,
  renderResponse,
  responseQuerySchema,
  underOurId,
} from "@sluice/contracts";
import { isId, isTerminal, type Job, type ResponseId, responseOfJob, SluiceError } from "@sluice/domain";
import { bytesOf } from "@sluice/engine";
import { estimateInputTokens } from "@sluice/tokens";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { cancelJob } from "../cancel-job.ts";
import { acceptCall, modelCallOf } from "../facade/accept-call.ts";
import { answerCall } from "../facade/answer-call.ts";
import { prepareResponse } from "../facade/prepare-response.ts";
import { streamCall } from "../facade/stream-call.ts";
import { type HeldCall, hangUpOf, waitForCall, waitMsOf } from "../facade/wait-for-call.ts";
import { roomCheck } from "../room-check.ts";
import { responseStream } from "../streams/response-stream.ts";
import { serveStream } from "../streams/serve-stream.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

/** `/v1/responses`, in OpenAI's shapes: a response is a job whose result is read as one. */
export function responseRoutes(server: FastifyInstance, ports: ApiPorts, closing: AbortSignal): void {
  server.post(
    "/v1/responses",
    { ...describe("Responses", "Create a response"), onRequest: roomCheck(ports) },
    (request, reply) => create(ports, { request, reply, closing }),
  );
  server.post(
    "/v1/responses/input_tokens",
    describe("Responses", "Count the tokens of an input"),
    (request) => countTokens(ports, request),
  );
  server.get<WithId>(
    "/v1/responses/:id",
    describe("Responses", "Read a response", { query: responseQuerySchema }),
    (request, reply) => read(ports, { request, reply, closing }),
  );
  server.get<WithId>(
    "/v1/responses/:id/input_items",
    describe("Responses", "List the input items of a response", { query: inputItemsQuerySchema }),
    (request) => listItems(ports, request),
  );
  server.post<WithId>(
    "/v1/responses/:id/cancel",
    describe("Responses", "Cancel a background response"),
    (request, reply) => cancel(ports, request, reply),
  );
  server.delete<WithId>("/v1/responses/:id", describe("Responses", "Delete a response"), (request) =>
    remove(ports, request),
  );
}

async function create(ports: ApiPorts, held: HeldCall): Promise<FastifyReply> {
  const { request, reply } = held;
  waitMsOf(request);
  const { tenantId } = callerOf(request);
  let asked: ResponseRequest | undefined;
  const accepted = await acceptCall(ports, request, "/v1/responses", async (call) => {
    const prepared = await prepareResponse(ports, tenantId, call);
    asked = prepared.asked;
    return prepared;
  });
  const id = responseOfJob(accepted.jobId);
  if (asked?.background === true) {
    reply.header("x-sluice-job-id", accepted.jobId);
    if (accepted.replayed) reply.header("idempotent-replayed", "true");
    const job = await findResponse(ports, request, id);
    return accepted.streamed ? follow(ports, held, job, -1) : sendResponse(ports, reply, job);
  }
  if (accepted.streamed) {
    const job = await ports.ledger.findJob(tenantId, accepted.jobId);
    if (job === undefined) throw new Error("a job that was accepted is gone");
    return streamCall(ports, held, accepted, await responseStream(ports, job, -1));
  }
  const job = await waitForCall(ports, held, accepted);
  if (job === undefined) return reply.hijack();
  return answerCall(ports, reply, job, (bytes) => (asked?.store === false ? bytes : underOurId(id, bytes)));
}

async function read(ports: ApiPorts, held: HeldCall): Promise<FastifyReply> {
  const request = held.request as FastifyRequest<WithId>;
  const { stream, starting_after: after = -1 } = parseWith(responseQuerySchema, request.query);
  const job = await requireResponse(ports, request);
  return stream === "true" ? follow(ports, held, job, after) : sendResponse(ports, held.reply, job);
}

/** Serves the events after one of them, those that have come and those that come; its client may come and go. */
async function follow(
  ports: ApiPorts,
  { reply, closing }: HeldCall,
  job: Job,
  after: number,
): Promise<FastifyReply> {
  const served = await serveStream(ports, reply, {
    tenantId: job.tenantId,
    jobId: job.id,
    after,
    ...(await responseStream(ports, job, after)),
    opensAtOnce: true,
    signal: AbortSignal.any([hangUpOf(reply), closing]),
    onFirst: () => {},
  });
  if (served.kind === "interrupted") served.events.end();
  return reply;
}

async function listItems(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const { after, limit, order } = parseWith(inputItemsQuerySchema, request.query);
  const job = await requireResponse(ports, request);
  const body = parseJson(await bytesOf(job.body, ports.files));
  const items = renderInputItems(responseOfJob(job.id), isJsonObject(body) ? body["input"] : undefined);
  if (order === "desc") items.reverse();
  const from = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && from === 0)
    throw new SluiceError("invalid_value", "'after' is no item of this response.", { param: "after" });
  return renderList(items.slice(from), limit);
}

async function cancel(
  ports: ApiPorts,
  request: FastifyRequest<WithId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const job = await requireResponse(ports, request);
  if (job.response !== "background")
    throw new SluiceError("invalid_value", "Only a background response can be cancelled.", { param: "id" });
  return sendResponse(ports, reply, await endJob(ports, job));
}

async function remove(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const job = await requireResponse(ports, request);
  const id = responseOfJob(job.id);
  await ports.ledger.deleteResponse(job.tenantId, id, ports.clock.now());
  await endJob(ports, job);
  await ports.ledger.dropEvents(job.id);
  return { id, object: "response", deleted: true };
}

/** Cancels the job of a response that has not ended; answers it as it stands then. */
async function endJob(ports: ApiPorts, job: Job): Promise<Job> {
  return isTerminal(job.state) ? job : ((await cancelJob(ports, job.tenantId, job.id)) ?? job);
}

async function countTokens(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const { body } = await prepareResponse(ports, callerOf(request).tenantId, modelCallOf(request));
  return { object: "response.input_tokens", input_tokens: estimateInputTokens(body) };
}

async function sendResponse(ports: ApiPorts, reply: FastifyReply, job: Job): Promise<FastifyReply> {
  const request = await bytesOf(job.body, ports.files);
  const body = job.result === undefined ? undefined : await bytesOf(job.result.body, ports.files);
  return reply.type("application/json").send(renderResponse(job, request, body));
}

/** The job of the response that the path names. Throws `not_found` when its tenant has none such. */
function requireResponse(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<Job> {
  return findResponse(ports, request, request.params.id);
}

async function findResponse(
  { ledger }: Pick<ApiPorts, "ledger">,
  request: FastifyRequest,
  id: ResponseId | string,
): Promise<Job> {
  const job = isId("response", id) ? await ledger.findResponse(callerOf(request).tenantId, id) : undefined;
  if (job !== undefined) return job;
  throw new SluiceError("not_found", `No such response: '${id.slice(0, 64)}'.`, { param: "id" });
}

import {
  jobListQuerySchema,
  jobQuerySchema,
  jobRequestSchema,
  parseWith,
  renderJob,
  renderList,
} from "@sluice/contracts";
import {
  isId,
  isTerminal,
  type Job,
  type JobFilter,
  type JobId,
  type JobState,
  jobTransitions,
  parseBatchId,
  SluiceError,
} from "@sluice/domain";
import { bytesOf } from "@sluice/engine";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { acceptTraced } from "../accept-traced.ts";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { cancelJob } from "../cancel-job.ts";
import { checkCursor } from "../cursor.ts";
import { estimateOf } from "../estimate-of.ts";
import { readJobRequest } from "../job-request.ts";
import { roomCheck } from "../room-check.ts";
import { idempotencyOf } from "../tags.ts";
import { describe } from "./describe.ts";

/** The path of a job. */
export type JobParams = { Params: { id: string } };

/** `/v1/jobs` and what hangs below it. */
export function jobRoutes(server: FastifyInstance, ports: ApiPorts, closing: AbortSignal): void {
  server.post(
    "/v1/jobs",
    { ...describe("Jobs", "Accept a job", { body: jobRequestSchema }), onRequest: roomCheck(ports) },
    (request, reply) => submit(ports, request, reply),
  );
  server.get("/v1/jobs", describe("Jobs", "List jobs", { query: jobListQuerySchema }), (request) =>
    list(ports, request),
  );
  server.get<JobParams>(
    "/v1/jobs/:id",
    describe("Jobs", "Read a job; wait for its end with ?wait=SECONDS", { query: jobQuerySchema }),
    (request, reply) => read(ports, { request, reply, closing }),
  );
  server.post<JobParams>("/v1/jobs/:id/cancel", describe("Jobs", "Cancel a job"), (request, reply) =>
    cancel(ports, request, reply),
  );
  server.get<JobParams>("/v1/jobs/:id/attempts", describe("Jobs", "List the attempts of a job"), (request) =>
    attempts(ports, request),
  );
}

async function submit(ports: ApiPorts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { fields, body, bytes } = readJobRequest(ports, request);
  const idempotency = idempotencyOf(request, "POST /v1/jobs", bytes);
  const accepted = await acceptTraced(ports, request, { fields, body, idempotency });
  if (accepted.replayed) reply.header("idempotent-replayed", "true");
  return reply.code(accepted.status).type("application/json").send(accepted.body);
}

interface Reading {
  readonly request: FastifyRequest<JobParams>;
  readonly reply: FastifyReply;
  /** Aborts when the server stops: whoever waits is answered as if the time were over. */
  readonly closing: AbortSignal;
}

async function read(ports: ApiPorts, { request, reply, closing }: Reading): Promise<FastifyReply> {
  const { wait } = parseWith(jobQuerySchema, request.query);
  let job = await requireJob(ports, request);
  if (wait !== undefined && wait > 0 && !isTerminal(job.state)) {
    const gone = new AbortController();
    request.raw.once("close", () => gone.abort());
    await ports.waiter.wait(job.id, wait * 1000, AbortSignal.any([gone.signal, closing]));
    job = await requireJob(ports, request);
  }
  return sendJob(ports, reply, job);
}

async function cancel(
  ports: ApiPorts,
  request: FastifyRequest<JobParams>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const id = jobIdOf(request);
  const job = await cancelJob(ports, callerOf(request).tenantId, id);
  if (job === undefined) throw notFound(id);
  if (job.state !== "cancelled")
    throw new SluiceError("already_ended", `The job has ended already: it is ${job.state}.`);
  return sendJob(ports, reply, job);
}

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const query = parseWith(jobListQuerySchema, request.query);
  checkCursor("job", query.after);
  const page = { after: query.after, limit: query.limit + 1, order: query.order };
  const { tenantId } = callerOf(request);
  const { jobs, lookedUpTo } = await ports.ledger.listJobs(tenantId, filterOf(query), page);
  const list = renderList(
    jobs.map((job) => JSON.parse(renderJob(job, undefined, liveEstimate(ports, job))) as { id: string }),
    query.limit,
  );
  // The search was broken off: the next page goes on from where it came to, with or without a match on this one.
  return lookedUpTo === undefined ? list : { ...list, last_id: lookedUpTo, has_more: true };
}

async function attempts(ports: ApiPorts, request: FastifyRequest<JobParams>): Promise<unknown> {
  const job = await requireJob(ports, request);
  const records = await ports.ledger.listAttempts(job.tenantId, job.id);
  const data = records.map((record) => ({
    object: "job.attempt",
    number: record.epoch,
    target: record.targetId,
    worker: record.workerId,
    started_at: new Date(record.startedAt).toISOString(),
    ended_at: record.endedAt === undefined ? null : new Date(record.endedAt).toISOString(),
    outcome: record.outcome ?? null,
    status_code: record.statusCode ?? null,
    latency_ms: record.latencyMs ?? null,
    first_token_ms: record.firstTokenMs ?? null,
    usage:
      record.usage === undefined
        ? null
        : { input_tokens: record.usage.inputTokens, output_tokens: record.usage.outputTokens },
    cost_usd: record.costUsd ?? null,
  }));
  return { object: "list", data, has_more: false };
}

async function sendJob(ports: ApiPorts, reply: FastifyReply, job: Job): Promise<FastifyReply> {
  const body = job.result === undefined ? undefined : await bytesOf(job.result.body, ports.files);
  return reply.type("application/json").send(renderJob(job, body, liveEstimate(ports, job)));
}

function liveEstimate(ports: ApiPorts, job: Job) {
  if (isTerminal(job.state)) return undefined;
  return estimateOf(ports.config(), job, ports.forecaster.estimateLive(job));
}

/** The job that the path names. Throws `not_found` when its tenant has none such. */
export async function requireJob(ports: ApiPorts, request: FastifyRequest<JobParams>): Promise<Job> {
  const id = jobIdOf(request);
  const job = await ports.ledger.findJob(callerOf(request).tenantId, id);
  if (job === undefined) throw notFound(id);
  return job;
}

function jobIdOf(request: FastifyRequest<JobParams>): JobId {
  const { id } = request.params;
  if (!isId("job", id)) throw notFound(id);
  return id;
}

function notFound(id: string): SluiceError {
  return new SluiceError("not_found", `No such job: '${id.slice(0, 64)}'.`, { param: "id" });
}

function filterOf(query: Readonly<Record<string, unknown>>): JobFilter {
  const metadata = Object.entries(query).flatMap(([key, value]) =>
    key.startsWith("metadata.") ? [[key.slice("metadata.".length), String(value)] as const] : [],
  );
  const batchId = query.batch_id === undefined ? undefined : parseBatchId(String(query.batch_id));
  if (query.batch_id !== undefined && batchId === undefined) {
    throw new SluiceError("invalid_value", "'batch_id' is not the id of a batch.", { param: "batch_id" });
  }
  return {
    ...(query.status === undefined ? {} : { states: statesOf(String(query.status)) }),
    ...(batchId === undefined ? {} : { batchId }),
    ...(query.model === undefined ? {} : { model: String(query.model) }),
    ...(query.sla === undefined ? {} : { sla: String(query.sla) }),
    ...(metadata.length === 0 ? {} : { metadata: Object.fromEntries(metadata) }),
  };
}

function statesOf(text: string): JobState[] {
  const states = text.split(",");
  const unknown = states.find((state) => !Object.hasOwn(jobTransitions, state));
  if (unknown === undefined) return states as JobState[];
  throw new SluiceError(
    "invalid_value",
    `'status' must be among: ${Object.keys(jobTransitions).join(", ")}.`,
    { param: "status" },
  );
}

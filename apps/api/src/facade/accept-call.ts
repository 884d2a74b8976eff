import { createHash } from "node:crypto";
import { isJsonObject } from "@sluice/contracts";
import { type IdempotencyKey, type JobId, SluiceError } from "@sluice/domain";
import type { AcceptJobRequest, JobRequestFields } from "@sluice/engine";
import type { FastifyRequest } from "fastify";
import { acceptTraced } from "../accept-traced.ts";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { callFieldsOf, jobSourceOf } from "../job-request.ts";
import { jsonBody } from "../json-body.ts";
import { idempotencyOf, isRetry } from "../tags.ts";

/** A call that was made a job of, or that has joined the one of a call before it. */
export interface AcceptedCall {
  readonly jobId: JobId;
  /** What the job is known by to calls that repeat this one. */
  readonly key: IdempotencyKey;
  readonly replayed: boolean;
  /** Whether the client follows the answer while it comes. */
  readonly streamed: boolean;
  /** The lane that the job is in. */
  readonly model: string;
}

/** A model request, parsed and as its bytes. */
export interface ModelCallBody {
  readonly body: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

/** What a job is made of when the upstream gets another body than the one that came. */
export interface PreparedCall extends ModelCallBody {
  readonly fields?: Pick<JobRequestFields, "response" | "previousResponse">;
}

/**
 * Makes a job of a model request that came to `endpoint`, with the tags in its headers; answers once it is durable. The
 * request's body is let go then: a call that waits should cost little. Throws naming the field at fault.
 */
export async function acceptCall(
  ports: ApiPorts,
  request: FastifyRequest,
  endpoint: string,
  prepare: (call: ModelCallBody) => Promise<PreparedCall> = async (call) => call,
): Promise<AcceptedCall> {
  const call = modelCallOf(request);
  const { body, bytes, fields } = await prepare(call);
  const asked = callFieldsOf(jobSourceOf(ports, request), { endpoint, body, path: "" });
  const idempotency = keyOf(request, endpoint, call.bytes);
  request.body = undefined;
  return acceptAs(ports, request, { fields: { ...asked, ...fields }, body: bytes, idempotency });
}

/** The JSON object that a request consists of. */
export function modelCallOf(request: FastifyRequest): ModelCallBody {
  const { value, bytes } = jsonBody(request);
  if (!isJsonObject(value)) throw new SluiceError("invalid_request", "The body must be a JSON object.");
  return { body: value, bytes };
}

async function acceptAs(
  ports: ApiPorts,
  request: FastifyRequest,
  job: AcceptJobRequest & { readonly idempotency: IdempotencyKey },
): Promise<AcceptedCall> {
  const { body, replayed } = await acceptTraced(ports, request, job).catch(aboutTheCall);
  const { id } = JSON.parse(body) as { id: JobId };
  const { model, streamed = false } = job.fields;
  return { jobId: id, key: job.idempotency, replayed, model, streamed };
}

/**
 * The caller's own key, or one that all tries of the call have in common: the same path, API key and bytes. Clients
 * send no key of their own accord, but say which try it is.
 */
function keyOf(request: FastifyRequest, endpoint: string, bytes: Buffer): IdempotencyKey {
  const route = `POST ${endpoint}`;
  const own = idempotencyOf(request, route, bytes);
  if (own !== undefined) return own;
  const bodySha256 = createHash("sha256").update(bytes).digest();
  const key = `${callerOf(request).keyId} ${bodySha256.toString("hex")}`;
  return { route: `try of ${route}`, key, bodySha256, tryOfCall: isRetry(request) ? "another" : "first" };
}

/** Below `/v1/jobs` the model request is a field; here it is all there is. */
function aboutTheCall(error: unknown): never {
  if (!(error instanceof SluiceError) || error.param === undefined) throw error;
  const param = error.param === "endpoint" ? "model" : error.param.replace(/^body\./, "");
  if (param === error.param) throw error;
  const { code, message, retryAfterSeconds } = error;
  throw new SluiceError(code, message, {
    param,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

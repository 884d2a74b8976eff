import type { Config } from "@sluice/config";
import {
  bodyBytes,
  type JobRequest,
  jobRequestSchema,
  parseWith,
  readModelCall,
  readModelRequest,
  routingWishes,
} from "@sluice/contracts";
import type { JobRequestFields } from "@sluice/engine";
import { estimateInputTokens } from "@sluice/tokens";
import type { FastifyRequest } from "fastify";
import type { ApiPorts } from "./api-ports.ts";
import { type Caller, callerOf } from "./authenticate.ts";
import { jsonBody } from "./json-body.ts";
import { checkWebhookUrl, type Tags, tagsOf } from "./tags.ts";

export interface ReadJobRequest {
  readonly fields: JobRequestFields;
  /** The bytes of `body`. */
  readonly body: Buffer;
  /** All bytes of the request. */
  readonly bytes: Buffer;
}

/** What all jobs of one HTTP request share. */
export interface JobSource {
  readonly caller: Caller;
  /** The tags in its headers. */
  readonly tags: Tags;
  readonly config: () => Config;
}

/** Reads what the headers say of jobs. Throws naming the header at fault. */
export function jobSourceOf({ config }: Pick<ApiPorts, "config">, request: FastifyRequest): JobSource {
  return { caller: callerOf(request), tags: tagsOf(request), config };
}

/** Reads a body of `POST /v1/jobs` with the tags in the headers. Throws naming the field at fault. */
export function readJobRequest(ports: ApiPorts, request: FastifyRequest): ReadJobRequest {
  const { value, bytes } = jsonBody(request);
  const asked = parseWith(jobRequestSchema, value);
  return { ...jobFieldsOf(jobSourceOf(ports, request), asked, bytes), bytes };
}

/** The job that an object asks for, with the bytes of its `body`. Throws naming the field at fault. */
export function jobFieldsOf(
  source: JobSource,
  asked: JobRequest,
  bytes: Buffer,
): Omit<ReadJobRequest, "bytes"> {
  const { tags } = source;
  const fields = {
    ...callFieldsOf(source, { endpoint: asked.endpoint, body: asked.body, path: "body" }),
    sla: asked.sla ?? tags.sla,
    deadline: asked.deadline ?? tags.deadline,
    priority: asked.priority ?? tags.priority,
    webhookUrl: asked.webhook_url ?? tags.webhookUrl,
    webhookPayload: asked.webhook_payload,
    metadata: asked.metadata,
    routing: routingWishes(asked.routing),
    maxAttempts: asked.max_attempts,
    onAmbiguous: asked.on_ambiguous,
  };
  checkWebhookUrl(fields.webhookUrl, source.config().webhooks.allowNetworks);
  return { fields, body: bodyBytes(bytes) };
}

/** The model request of a job, and where it stands in the HTTP request (empty: it is the request). */
export interface Call {
  readonly endpoint: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly path: string;
}

/** The job that a model request asks for by itself and by the tags beside it. Throws naming the field at fault. */
export function callFieldsOf(
  { caller, tags, config }: JobSource,
  { endpoint, body, path }: Call,
): JobRequestFields {
  checkWebhookUrl(tags.webhookUrl, config().webhooks.allowNetworks);
  return {
    tenantId: caller.tenantId,
    endpoint,
    ...(path === "" ? readModelCall(body, endpoint) : readModelRequest(body, path)),
    inputTokens: estimateInputTokens(body),
    ...tags,
    keyId: caller.keyId,
    keyUsdPerDay: caller.keyUsdPerDay,
    parsedBody: body,
  };
}

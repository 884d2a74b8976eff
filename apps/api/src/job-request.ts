import type { Config } from "@sluice/config";
import {
  bodyBytes,
  type JobRequest,
  jobRequestSchema,
  parseWith,
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
  { caller, tags, config }: JobSource,
  asked: JobRequest,
  bytes: Buffer,
): Omit<ReadJobRequest, "bytes"> {
  const model = readModelRequest(asked.body, "body");
  const webhookUrl = asked.webhook_url ?? tags.webhookUrl;
  checkWebhookUrl(webhookUrl, config().webhooks.allowNetworks);
  const fields = {
    tenantId: caller.tenantId,
    endpoint: asked.endpoint,
    ...model,
    inputTokens: estimateInputTokens(asked.body),
    sla: asked.sla ?? tags.sla,
    deadline: asked.deadline ?? tags.deadline,
    priority: asked.priority ?? tags.priority,
    webhookUrl,
    webhookPayload: asked.webhook_payload,
    metadata: asked.metadata,
    routing: routingWishes(asked.routing),
    maxAttempts: asked.max_attempts,
    onAmbiguous: asked.on_ambiguous,
    keyId: caller.keyId,
    keyUsdPerDay: caller.keyUsdPerDay,
    parsedBody: asked.body,
  };
  return { fields, body: bodyBytes(bytes) };
}

import { bodyBytes, jobRequestSchema, parseWith, readModelRequest, routingWishes } from "@sluice/contracts";
import type { JobRequestFields } from "@sluice/engine";
import { estimateInputTokens } from "@sluice/tokens";
import type { FastifyRequest } from "fastify";
import type { ApiPorts } from "./api-ports.ts";
import { callerOf } from "./authenticate.ts";
import { jsonBody } from "./json-body.ts";
import { checkWebhookUrl, tagsOf } from "./tags.ts";

export interface ReadJobRequest {
  readonly fields: JobRequestFields;
  /** The bytes of `body`. */
  readonly body: Buffer;
  /** All bytes of the request. */
  readonly bytes: Buffer;
}

/** Reads a body of `POST /v1/jobs` with the tags in the headers. Throws naming the field at fault. */
export function readJobRequest(ports: ApiPorts, request: FastifyRequest): ReadJobRequest {
  const { value, bytes } = jsonBody(request);
  const asked = parseWith(jobRequestSchema, value);
  const model = readModelRequest(asked.body, "body");
  const tags = tagsOf(request);
  const webhookUrl = asked.webhook_url ?? tags.webhookUrl;
  checkWebhookUrl(webhookUrl, ports.config().webhooks.allowNetworks);
  const fields = {
    tenantId: callerOf(request).tenantId,
    endpoint: asked.endpoint,
    ...model,
    inputTokens: estimateInputTokens(asked.body),
    sla: asked.sla ?? tags.sla,
    deadline: asked.deadline ?? tags.deadline,
    priority: asked.priority ?? tags.priority,
    webhookUrl,
    metadata: asked.metadata,
    routing: routingWishes(asked.routing),
    maxAttempts: asked.max_attempts,
    onAmbiguous: asked.on_ambiguous,
    keyId: callerOf(request).keyId,
    keyUsdPerDay: callerOf(request).keyUsdPerDay,
    parsedBody: asked.body,
  };
  return { fields, body: bodyBytes(bytes), bytes };
}

import {
  parseWith,
  renderList,
  renderWebhookEndpoint,
  rotateEndpointSecretSchema,
  webhookEndpointListQuerySchema,
  webhookEndpointRequestSchema,
  webhookEndpointUpdateSchema,
} from "@sluice/contracts";
import {
  eventTypes,
  idFromUuid,
  isId,
  SluiceError,
  type WebhookEndpoint,
  type WebhookEndpointId,
} from "@sluice/domain";
import { newSecret } from "@sluice/webhooks";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { checkCursor } from "../cursor.ts";
import { bodyOrEmpty, jsonBody } from "../json-body.ts";
import { notFound } from "../not-found.ts";
import { checkUrl } from "../tags.ts";
import { describe } from "./describe.ts";
import { tooManySecrets } from "./webhook-secret.ts";

/** The path of an endpoint or a delivery. */
export type WithId = { Params: { id: string } };

/** A tenant needs a few; each costs a look at every event of its tenant. */
const mostEndpoints = 20;
const dayMs = 24 * 3_600_000;

/** `/v1/webhook_endpoints`, in OpenAI's shapes. */
export function webhookEndpointRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const path = "/v1/webhook_endpoints";
  const about = (summary: string, schemas?: Parameters<typeof describe>[2]) =>
    describe("Webhooks", summary, schemas);
  server.get("/v1/webhook_event_types", about("The event types that can be asked for"), () => ({
    object: "list",
    data: eventTypes,
  }));
  server.post(
    path,
    about("Register an endpoint; its secret is shown this once", { body: webhookEndpointRequestSchema }),
    (request) => create(ports, request),
  );
  server.get(path, about("List endpoints", { query: webhookEndpointListQuerySchema }), (request) =>
    list(ports, request),
  );
  server.get<WithId>(`${path}/:id`, about("Read an endpoint"), async (request) =>
    renderWebhookEndpoint(await requireEndpoint(ports, request)),
  );
  server.post<WithId>(
    `${path}/:id`,
    about("Change, disable or enable an endpoint", { body: webhookEndpointUpdateSchema }),
    (request) => update(ports, request),
  );
  server.delete<WithId>(`${path}/:id`, about("Delete an endpoint"), async (request) => {
    const id = endpointIdOf(request);
    if (!(await ports.ledger.deleteEndpoint(callerOf(request).tenantId, id))) throw notFound(id);
    return { id, object: "webhook_endpoint.deleted", deleted: true };
  });
  server.post<WithId>(
    `${path}/:id/rotate_secret`,
    about("Give an endpoint a new secret, shown this once", { body: rotateEndpointSecretSchema }),
    (request) => rotate(ports, request),
  );
}

async function create(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const asked = parseWith(webhookEndpointRequestSchema, jsonBody(request).value);
  checkUrl("url", asked.url, ports.config().webhooks.allowNetworks);
  const secret = newSecret();
  const endpoint = {
    id: idFromUuid("webhookEndpoint", ports.ids.uuid()),
    tenantId: callerOf(request).tenantId,
    name: asked.name,
    url: asked.url,
    eventTypes: asked.event_types,
    payload: asked.webhook_payload,
  };
  const options = { secret, now: ports.clock.now(), most: mostEndpoints };
  const made = await ports.ledger.createEndpoint(endpoint, options);
  if (made === undefined)
    throw new SluiceError("too_many_webhook_endpoints", `A tenant may have ${mostEndpoints} endpoints.`);
  return renderWebhookEndpoint(made, secret);
}

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const { after, limit, order } = parseWith(webhookEndpointListQuerySchema, request.query);
  checkCursor("webhookEndpoint", after);
  const page = { after, limit: limit + 1, order };
  const endpoints = await ports.ledger.listEndpoints(callerOf(request).tenantId, page);
  return renderList(
    endpoints.map((endpoint) => renderWebhookEndpoint(endpoint)),
    limit,
  );
}

async function update(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const id = endpointIdOf(request);
  const asked = parseWith(webhookEndpointUpdateSchema, jsonBody(request).value);
  if (asked.url !== undefined) checkUrl("url", asked.url, ports.config().webhooks.allowNetworks);
  const changes = {
    ...(asked.name === undefined ? {} : { name: asked.name }),
    ...(asked.url === undefined ? {} : { url: asked.url }),
    ...(asked.event_types === undefined ? {} : { eventTypes: asked.event_types }),
    ...(asked.webhook_payload === undefined ? {} : { payload: asked.webhook_payload }),
    enabled: asked.enabled,
  };
  const { tenantId } = callerOf(request);
  const changed = await ports.ledger.updateEndpoint(tenantId, id, changes, ports.clock.now());
  if (changed === undefined) throw notFound(id);
  return renderWebhookEndpoint(changed);
}

async function rotate(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const id = endpointIdOf(request);
  const asked = parseWith(rotateEndpointSecretSchema, bodyOrEmpty(request));
  const now = ports.clock.now();
  const secret = newSecret();
  const oldUntil = asked.keep_old_secret_active_for_24_hours ? now + dayMs : now;
  const { tenantId } = callerOf(request);
  const rotated = await ports.ledger.rotateEndpointSecret(tenantId, id, { secret, now, oldUntil });
  if (rotated === undefined) throw notFound(id);
  if (rotated === "refused") throw tooManySecrets();
  return renderWebhookEndpoint(rotated, secret);
}

/** The endpoint that the path names. Throws `not_found` when its tenant has none such. */
export async function requireEndpoint(
  ports: ApiPorts,
  request: FastifyRequest<WithId>,
): Promise<WebhookEndpoint> {
  const id = endpointIdOf(request);
  const endpoint = await ports.ledger.findEndpoint(callerOf(request).tenantId, id);
  if (endpoint === undefined) throw notFound(id);
  return endpoint;
}

/** Its id. Throws `not_found` for what is none. */
export function endpointIdOf(request: FastifyRequest<WithId>): WebhookEndpointId {
  const { id } = request.params;
  if (!isId("webhookEndpoint", id)) throw notFound(id);
  return id;
}

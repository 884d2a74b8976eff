import {
  deliveryListQuerySchema,
  parseWith,
  renderDelivery,
  renderList,
  renderWebhookEndpoint,
  replaySchema,
  rotateEndpointSecretSchema,
  testEndpointSchema,
  webhookEndpointListQuerySchema,
  webhookEndpointRequestSchema,
  webhookEndpointUpdateSchema,
} from "@sluice/contracts";
import {
  type DeliveryId,
  eventTypes,
  idFromUuid,
  isId,
  SluiceError,
  type WebhookEndpoint,
  type WebhookEndpointId,
} from "@sluice/domain";
import { parseMoment, testEndpoint } from "@sluice/engine";
import { parseDuration } from "@sluice/scheduling";
import { newSecret } from "@sluice/webhooks";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { checkCursor } from "../cursor.ts";
import { bodyOrEmpty, jsonBody } from "../json-body.ts";
import { notFound } from "../not-found.ts";
import { checkUrl } from "../tags.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

/** A tenant needs a few; each costs a look at every event of its tenant. */
const mostEndpoints = 20;
const dayMs = 24 * 3_600_000;
/** Beside the attempt itself: its way through the queue. */
const queueMs = 10_000;

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
  server.post<WithId>(
    `${path}/:id/test`,
    about("Send an endpoint a test event and wait for its answer", { body: testEndpointSchema }),
    (request) => test(ports, request),
  );
  server.get<WithId>(
    `${path}/:id/deliveries`,
    about("Deliveries to an endpoint, newest first", { query: deliveryListQuerySchema }),
    async (request) => listDeliveries(ports, request, (await requireEndpoint(ports, request)).id),
  );
  server.post<WithId>(
    `${path}/:id/replay`,
    about("Send an endpoint all its events since a time again", { body: replaySchema }),
    (request) => replay(ports, request),
  );
}

/** `/v1/webhook_deliveries`: also those to the `webhook_url` of a job or batch. */
export function webhookDeliveryRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const path = "/v1/webhook_deliveries";
  server.get(
    path,
    describe("Webhooks", "Deliveries of the tenant, newest first", { query: deliveryListQuerySchema }),
    (request) => listDeliveries(ports, request, undefined),
  );
  server.get<WithId>(`${path}/:id`, describe("Webhooks", "Read a delivery"), (request) =>
    readDelivery(ports, request, deliveryIdOf(request)),
  );
  server.post<WithId>(
    `${path}/:id/redeliver`,
    describe("Webhooks", "Send the event of a delivery to its receiver again"),
    async (request) => {
      const id = deliveryIdOf(request);
      const newId = idFromUuid("delivery", ports.ids.uuid());
      const { tenantId } = callerOf(request);
      const due = await ports.ledger.redeliver(tenantId, id, newId, ports.clock.now());
      if (due === undefined) throw notFound(id);
      if (due === "refused")
        throw new SluiceError("webhook_endpoint_disabled", "The endpoint is deleted or disabled.");
      await hurry(ports, [due]);
      return readDelivery(ports, request, due);
    },
  );
}

/** The dispatcher finds what the queue was not told of. */
async function hurry(ports: ApiPorts, ids: readonly DeliveryId[]): Promise<void> {
  if (ids.length > 0) await ports.deliveries.add(ids.map((id) => ({ id }))).catch(() => undefined);
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

async function test(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const endpointId = endpointIdOf(request);
  const { event_type: type } = parseWith(testEndpointSchema, jsonBody(request).value);
  const { tenantId } = callerOf(request);
  const timeoutMs = ports.config().webhooks.timeoutMs + queueMs;
  const delivery = await testEndpoint(ports, { tenantId, endpointId, type, timeoutMs });
  if (delivery === undefined) throw notFound(endpointId);
  const last = delivery.attempts.at(-1);
  if (last?.statusCode === undefined) {
    const reason = last?.reason ?? "it was not sent in time";
    throw new SluiceError("webhook_test_failed", `The endpoint gave no answer: ${reason}.`);
  }
  return {
    object: "webhook_endpoint.test",
    event_type: type,
    status_code: last.statusCode,
    success: true,
    webhook_endpoint_id: endpointId,
    delivery_id: delivery.id,
  };
}

async function replay(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const endpoint = await requireEndpoint(ports, request);
  const now = ports.clock.now();
  const since = momentOf(parseWith(replaySchema, jsonBody(request).value).since, now);
  if (endpoint.disabled !== undefined)
    throw new SluiceError("webhook_endpoint_disabled", "The endpoint is disabled.");
  const replayed = await ports.ledger.replayEvents(endpoint.tenantId, endpoint.id, since, now);
  await hurry(ports, replayed.first);
  return {
    object: "webhook_endpoint.replay",
    webhook_endpoint_id: endpoint.id,
    since: new Date(since).toISOString(),
    count: replayed.count,
  };
}

async function listDeliveries(
  ports: ApiPorts,
  request: FastifyRequest,
  endpointId: WebhookEndpointId | undefined,
): Promise<unknown> {
  const { after, limit, order, status: state } = parseWith(deliveryListQuerySchema, request.query);
  checkCursor("delivery", after);
  const page = { after, limit: limit + 1, order };
  const { tenantId } = callerOf(request);
  const deliveries = await ports.ledger.listDeliveries(tenantId, { endpointId, state }, page);
  return renderList(deliveries.map(renderDelivery), limit);
}

async function readDelivery(ports: ApiPorts, request: FastifyRequest, id: DeliveryId): Promise<unknown> {
  const delivery = await ports.ledger.findDelivery(callerOf(request).tenantId, id);
  if (delivery === undefined) throw notFound(id);
  return renderDelivery(delivery);
}

async function requireEndpoint(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<WebhookEndpoint> {
  const id = endpointIdOf(request);
  const endpoint = await ports.ledger.findEndpoint(callerOf(request).tenantId, id);
  if (endpoint === undefined) throw notFound(id);
  return endpoint;
}

function endpointIdOf(request: FastifyRequest<WithId>): WebhookEndpointId {
  const { id } = request.params;
  if (!isId("webhookEndpoint", id)) throw notFound(id);
  return id;
}

function deliveryIdOf(request: FastifyRequest<WithId>): DeliveryId {
  const { id } = request.params;
  if (!isId("delivery", id)) throw notFound(id);
  return id;
}

/** Thrown when a rotation would leave too many secrets that sign. */
export function tooManySecrets(): SluiceError {
  return new SluiceError(
    "too_many_webhook_secrets",
    "Too many earlier secrets still sign: wait until one has ended, or end them with this rotation.",
  );
}

/** Beyond this, dates no longer fit where they are kept. */
const latestMoment = Date.UTC(9999, 11, 31);

function momentOf(since: string | number, now: number): number {
  const back = typeof since === "number" ? undefined : parseDuration(since);
  const moment = typeof since === "number" ? since * 1000 : parseMoment(since);
  const at = back === undefined ? moment : now - back;
  if (at !== undefined && at >= 0 && at <= latestMoment) return at;
  const what = "must be an RFC 3339 time, unix seconds, or a duration such as 24h back from now";
  throw new SluiceError("invalid_value", `'since' ${what}.`, { param: "since" });
}

import {
  deliveryListQuerySchema,
  parseWith,
  renderDelivery,
  renderList,
  replaySchema,
  testEndpointSchema,
} from "@sluice/contracts";
import { type DeliveryId, idFromUuid, isId, SluiceError, type WebhookEndpointId } from "@sluice/domain";
import { parseMoment, testEndpoint } from "@sluice/engine";
import { parseDuration } from "@sluice/scheduling";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { announceDeliveries } from "../announce-deliveries.ts";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { checkCursor } from "../cursor.ts";
import { jsonBody } from "../json-body.ts";
import { notFound } from "../not-found.ts";
import { describe } from "./describe.ts";
import { endpointIdOf, requireEndpoint, type WithId } from "./webhook-endpoints.ts";

/** Beside the attempt itself: its way through the queue. */
const queueMs = 10_000;

/** What is sent to an endpoint: its deliveries, a test, a replay. */
export function endpointDeliveryRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const path = "/v1/webhook_endpoints";
  const about = (summary: string, schemas?: Parameters<typeof describe>[2]) =>
    describe("Webhooks", summary, schemas);
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
      await announceDeliveries(ports, [due]);
      return readDelivery(ports, request, due);
    },
  );
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
  await announceDeliveries(ports, replayed.first);
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

function deliveryIdOf(request: FastifyRequest<WithId>): DeliveryId {
  const { id } = request.params;
  if (!isId("delivery", id)) throw notFound(id);
  return id;
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

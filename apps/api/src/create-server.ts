import multipart from "@fastify/multipart";
import { idFromUuid } from "@sluice/domain";
import type { BoardQueues } from "@sluice/queue";
import Fastify, { type FastifyInstance } from "fastify";
import type { ApiPorts } from "./api-ports.ts";
import { handleErrors, nameRequest, refuseUrl } from "./errors.ts";
import { acceptJson } from "./json-body.ts";
import { refuseConnection } from "./refuse-connection.ts";
import { batchRoutes } from "./routes/batches.ts";
import { boardRoutes } from "./routes/board.ts";
import { bulkRoutes } from "./routes/bulk.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { decisionRoutes } from "./routes/decisions.ts";
import { documentRoutes } from "./routes/docs.ts";
import { facadeRoutes } from "./routes/facade.ts";
import { feedbackRoutes } from "./routes/feedback.ts";
import { fileRoutes } from "./routes/files.ts";
import { jobEventRoutes } from "./routes/job-events.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { keyRoutes } from "./routes/keys.ts";
import { laneRoutes } from "./routes/lanes.ts";
import { messageBatchRoutes } from "./routes/message-batches.ts";
import { modelRoutes } from "./routes/models.ts";
import { publicRoutes } from "./routes/operate.ts";
import { poolRoutes } from "./routes/pools.ts";
import { responseRoutes } from "./routes/responses.ts";
import { tenantRoutes } from "./routes/tenants.ts";
import { uploadRoutes } from "./routes/uploads.ts";
import { endpointDeliveryRoutes, webhookDeliveryRoutes } from "./routes/webhook-deliveries.ts";
import { webhookEndpointRoutes } from "./routes/webhook-endpoints.ts";
import { webhookSecretRoutes } from "./routes/webhook-secret.ts";

/** Room for what stands around a job's body in its request. */
const envelopeBytes = 65_536;

/** Builds the HTTP server; it does not listen yet. */
export async function createServer(ports: ApiPorts, queues: BoardQueues["queues"]): Promise<FastifyInstance> {
  const newRequestId = () => idFromUuid("request", ports.ids.uuid());
  const server = Fastify({
    logger: false,
    genReqId: newRequestId,
    bodyLimit: ports.config().limits.jobBodyBytes + envelopeBytes,
    requestTimeout: 0,
    connectionTimeout: 0,
    forceCloseConnections: "idle",
    routerOptions: { ignoreTrailingSlash: true },
    frameworkErrors: refuseUrl,
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, newRequestId()),
  });
  // The schemas of routes describe them; the handlers parse.
  server.setValidatorCompiler(() => (value) => ({ value }));
  server.setSerializerCompiler(() => (value) => JSON.stringify(value));
  handleErrors(server, ports.logger);
  acceptJson(server);
  await server.register(multipart, {
    throwFileSizeLimit: false,
    limits: { fileSize: Number.POSITIVE_INFINITY, files: 2, fields: 20, fieldSize: 65_536 },
  });
  observe(server, ports);
  await documentRoutes(server);
  publicRoutes(server, ports);
  await server.register(async (scope) => boardRoutes(scope, { ...ports, queues }));
  const closing = new AbortController();
  server.addHook("preClose", async () => closing.abort());
  await server.register(async (scope) => {
    scope.decorateRequest("caller", undefined);
    scope.addHook("onRequest", async (request) => {
      request.caller = await ports.authenticator.authenticate(request);
    });
    jobRoutes(scope, ports, closing.signal);
    bulkRoutes(scope, ports, closing.signal);
    jobEventRoutes(scope, ports, closing.signal);
    feedbackRoutes(scope, ports);
    decisionRoutes(scope, ports);
    facadeRoutes(scope, ports, closing.signal);
    responseRoutes(scope, ports, closing.signal);
    modelRoutes(scope, ports);
    batchRoutes(scope, ports);
    messageBatchRoutes(scope, ports);
    fileRoutes(scope, ports);
    uploadRoutes(scope, ports);
    deadLetterRoutes(scope, ports);
    laneRoutes(scope, ports);
    poolRoutes(scope, ports);
    keyRoutes(scope, ports);
    tenantRoutes(scope, ports);
    webhookSecretRoutes(scope, ports);
    webhookEndpointRoutes(scope, ports);
    endpointDeliveryRoutes(scope, ports);
    webhookDeliveryRoutes(scope, ports);
  });
  return server;
}

/** Request ids on every answer, metrics by route. */
function observe(server: FastifyInstance, ports: ApiPorts): void {
  server.addHook("onRequest", async (request, reply) => {
    nameRequest(request, reply);
  });
  server.addHook("onResponse", async (request, reply) => {
    const labels = { route: request.routeOptions.url ?? "unknown", method: request.method };
    const status = String(reply.statusCode);
    ports.metrics.increment("sluice_http_requests_total", { ...labels, status });
    ports.metrics.observe(
      "sluice_http_request_duration_seconds",
      { ...labels, status },
      reply.elapsedTime / 1000,
    );
    ports.logger.debug({ requestId: request.id, ...labels, status }, "request answered");
  });
}

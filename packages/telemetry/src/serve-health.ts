import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Health } from "./create-health.ts";
import type { MetricsRecorder } from "./create-metrics.ts";
import { type AuthorizeMetrics, type MetricsCaller, mayReadMetrics } from "./may-read-metrics.ts";

export interface HealthServerOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  readonly health: Health;
  readonly metrics: Pick<MetricsRecorder, "render" | "contentType">;
  /** Whether a caller from elsewhere than this machine may read /metrics; nobody by default. */
  readonly authorizeMetrics?: AuthorizeMetrics;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves /healthz (this process answers), /readyz (503 when it cannot do its own work) and /metrics for roles without
 * HTTP. Rejects when it cannot listen.
 */
export async function serveHealth(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch(() => response.writeHead(500).end());
  });
  server.listen(options.port, options.host ?? "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(
  options: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return json(response, 405, { status: "method_not_allowed" });
  switch (request.url?.split("?")[0] ?? "") {
    case "/healthz":
      return json(response, 200, { status: "ok" });
    case "/readyz": {
      const readiness = await options.health.readiness();
      return json(response, readiness.ready ? 200 : 503, readiness);
    }
    case "/metrics": {
      if (!(await mayReadMetrics(callerOf(request), options.authorizeMetrics)))
        return json(response, 401, { status: "unauthorized" });
      response
        .writeHead(200, { "content-type": options.metrics.contentType })
        .end(await options.metrics.render());
      return;
    }
    default:
      return json(response, 404, { status: "not_found" });
  }
}

function callerOf(request: IncomingMessage): MetricsCaller {
  return { remoteAddress: request.socket.remoteAddress, authorization: request.headers.authorization };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
    .end(JSON.stringify(body));
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

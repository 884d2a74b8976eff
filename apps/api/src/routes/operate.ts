import { SluiceError } from "@sluice/domain";
import { mayReadMetrics } from "@sluice/telemetry";
import type { FastifyInstance } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { describe } from "./describe.ts";

/** Routes that need no key. */
export function publicRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.get("/healthz", describe("Operation", "Whether this process answers"), () => ({ status: "ok" }));
  server.get(
    "/readyz",
    describe("Operation", "Whether this process can do its work"),
    async (_request, reply) => {
      const readiness = await ports.health.readiness();
      return reply.code(readiness.ready ? 200 : 503).send(readiness);
    },
  );
  server.get(
    "/metrics",
    describe("Operation", "Prometheus metrics (an admin key, or from this machine)"),
    async (request, reply) => {
      const caller = {
        remoteAddress: request.socket.remoteAddress,
        authorization: request.headers.authorization,
      };
      const isAdmin = async () => (await ports.authenticator.authenticate(request)).role === "admin";
      if (!(await mayReadMetrics(caller, isAdmin)))
        throw new SluiceError("permission_denied", "Metrics need an admin key.");
      return reply.type(ports.metrics.contentType).send(await ports.metrics.render());
    },
  );
}

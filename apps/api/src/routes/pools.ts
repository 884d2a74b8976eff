import { parseWith, poolView, shiftRequestSchema, targetView, targetWeightSchema } from "@sluice/contracts";
import type { TargetState } from "@sluice/domain";
import { giveWeight, operateTarget, readPools, shiftTraffic } from "@sluice/engine";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { adminOf } from "../authenticate.ts";
import { jsonBody } from "../json-body.ts";
import { describe } from "./describe.ts";

const operations: readonly { readonly name: string; readonly to: TargetState; readonly summary: string }[] = [
  { name: "pause", to: "paused", summary: "Give a target nothing new until it is resumed (an admin key)" },
  {
    name: "drain",
    to: "draining",
    summary: "The same, to take a target out: ask until in_flight is 0 (an admin key)",
  },
  { name: "resume", to: "active", summary: "Give a target jobs again (an admin key)" },
];

/** `GET /v1/pools` and what operators do with targets. */
export function poolRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.get(
    "/v1/pools",
    describe("Operation", "Targets with limits, use, health, latency and spend (an admin key)"),
    async (request) => {
      requireAdmin(request);
      const pools = await readPools(ports);
      return {
        object: "list",
        data: pools.map(({ pool, targets }) => poolView(pool, targets)),
        has_more: false,
      };
    },
  );
  for (const { name, to, summary } of operations) {
    server.post<{ Params: { pool: string; target: string } }>(
      `/v1/pools/:pool/targets/:target/${name}`,
      describe("Operation", summary),
      async (request) => {
        requireAdmin(request);
        const report = await operateTarget(ports, { ...request.params, to });
        ports.logger.info({ target: report.target.id, state: report.state }, "an operator changed a target");
        return targetView(report);
      },
    );
  }
  weightRoutes(server, ports);
}

/** How traffic is moved from one target to another. */
function weightRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.post<{ Params: { pool: string; target: string } }>(
    "/v1/pools/:pool/targets/:target/weight",
    describe("Operation", "Share a pool's jobs by weights; null takes the weight back (an admin key)", {
      body: targetWeightSchema,
    }),
    async (request) => {
      requireAdmin(request);
      const { weight } = parseWith(targetWeightSchema, jsonBody(request).value);
      const report = await giveWeight(ports, { ...request.params, weight: weight ?? undefined });
      ports.logger.info({ target: report.target.id, weight }, "an operator weighed a target");
      return targetView(report);
    },
  );
  server.post<{ Params: { pool: string } }>(
    "/v1/pools/:pool/shift",
    describe("Operation", "Give one target a percentage of what it and another get (an admin key)", {
      body: shiftRequestSchema,
    }),
    async (request) => {
      requireAdmin(request);
      const shift = parseWith(shiftRequestSchema, jsonBody(request).value);
      const { pool, targets } = await shiftTraffic(ports, { ...request.params, ...shift });
      ports.logger.info({ pool, ...shift }, "an operator shifted traffic");
      return poolView(pool, targets);
    },
  );
}

function requireAdmin(request: FastifyRequest): void {
  adminOf(request, "Pools are shared by all tenants");
}

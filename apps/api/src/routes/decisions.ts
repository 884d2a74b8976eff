import { jobRequestSchema, renderRoute } from "@sluice/contracts";
import { SluiceError } from "@sluice/domain";
import type { FastifyInstance } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { readJobRequest } from "../job-request.ts";
import { describe } from "./describe.ts";
import { requireJob } from "./jobs.ts";

/** Where jobs go and why. */
export function decisionRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.post(
    "/v1/route",
    describe("Jobs", "Decide where a job would go now; nothing is enqueued", { body: jobRequestSchema }),
    async (request) => {
      const { fields, body } = readJobRequest(ports, request);
      const decision = await ports.previewRoute(fields, body).catch((error: unknown) => {
        if (error instanceof SluiceError) throw error;
        throw new SluiceError("signals_unavailable", "The load of the targets cannot be read now.", {
          cause: error,
        });
      });
      return renderRoute(decision, { model: fields.model });
    },
  );
  server.get<{ Params: { id: string } }>(
    "/v1/jobs/:id/route",
    describe("Jobs", "Explain the newest decision of a job"),
    async (request) => {
      const job = await requireJob(ports, request);
      const decision = await ports.ledger.findRoute(job.tenantId, job.id);
      if (decision !== undefined) return renderRoute(decision, { jobId: job.id, model: job.model });
      throw new SluiceError("not_found", "No decision has been made for this job yet.");
    },
  );
}

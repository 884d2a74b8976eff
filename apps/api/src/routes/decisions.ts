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
      const decision = await withSignals(ports.previewRoute(fields, body));
      return renderRoute(decision, { model: fields.model, dryRun: true });
    },
  );
  server.get<{ Params: { id: string } }>(
    "/v1/jobs/:id/route",
    describe("Jobs", "Explain the newest decision of a job; before its first one, where it would go now"),
    async (request) => {
      const job = await requireJob(ports, request);
      const about = { jobId: job.id, model: job.model };
      const decision = await ports.ledger.findRoute(job.tenantId, job.id);
      if (decision !== undefined) return renderRoute(decision, { ...about, dryRun: false });
      // A job that nothing can take never gets an attempt, and a decision is kept with its attempt.
      const preview = await withSignals(ports.previewJob(job));
      if (preview !== undefined) return renderRoute(preview, { ...about, dryRun: true });
      throw new SluiceError("not_found", "No decision has been made for this job, and its model is gone.");
    },
  );
}

/** Without Redis nothing is known of the load of the targets. */
async function withSignals<T>(decision: Promise<T>): Promise<T> {
  try {
    return await decision;
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    throw new SluiceError("signals_unavailable", "The load of the targets cannot be read now.", { cause });
  }
}

import { feedbackSchema, parseWith, renderFeedback } from "@sluice/contracts";
import { isTerminal, SluiceError } from "@sluice/domain";
import type { FastifyInstance } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { jsonBody } from "../json-body.ts";
import { describe } from "./describe.ts";
import { type JobParams, requireJob } from "./jobs.ts";

/** `/v1/jobs/{id}/feedback`: what the owner of a job thinks of its result. */
export function feedbackRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.post<JobParams>(
    "/v1/jobs/:id/feedback",
    describe("Jobs", "Say how good the result of a job is; the newest word counts", { body: feedbackSchema }),
    async (request) => {
      const { score, labels = [] } = parseWith(feedbackSchema, jsonBody(request).value);
      const { id, state } = await requireJob(ports, request);
      if (!isTerminal(state))
        throw new SluiceError("not_ended", `The job has not ended yet: it is ${state}.`);
      const feedback = { givenAt: ports.clock.now(), score, labels };
      await ports.ledger.giveFeedback(id, feedback);
      return renderFeedback(id, feedback);
    },
  );
  server.get<JobParams>(
    "/v1/jobs/:id/feedback",
    describe("Jobs", "Read what was last said of a job's result"),
    async (request) => {
      const { id, tenantId } = await requireJob(ports, request);
      const feedback = await ports.ledger.findFeedback(tenantId, id);
      if (feedback === undefined) throw new SluiceError("not_found", "No feedback was given on this job.");
      return renderFeedback(id, feedback);
    },
  );
}

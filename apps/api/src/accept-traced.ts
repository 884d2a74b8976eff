import type { AcceptedJob, AcceptJobRequest } from "@sluice/engine";
import type { FastifyRequest } from "fastify";
import type { ApiPorts } from "./api-ports.ts";

/** Accepts a job in a span of its own below the caller's trace; its attempts go on from there. */
export function acceptTraced(
  ports: Pick<ApiPorts, "acceptJob" | "tracing">,
  request: FastifyRequest,
  job: AcceptJobRequest,
): Promise<AcceptedJob> {
  const parent = request.headers.traceparent;
  return ports.tracing.inSpan(
    "job.accept",
    { kind: "server", ...(typeof parent === "string" ? { parent } : {}) },
    () => {
      const fields = { ...job.fields, traceparent: ports.tracing.currentTraceparent() };
      return ports.acceptJob({ ...job, fields });
    },
  );
}

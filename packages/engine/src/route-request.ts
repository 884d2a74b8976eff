import type { FileStore, JobSpec, JobToRun, ModelAlias, RouteRequest } from "@sluice/domain";
import { readsRequest } from "@sluice/routing";
import { bytesOf } from "./payloads.ts";

/** What a decision reads of a job. Its body is read only when a rule of its model asks for it. */
export async function routeRequest(
  files: FileStore,
  job: JobSpec & Pick<JobToRun, "attempts" | "failedTargets">,
  alias: ModelAlias,
): Promise<RouteRequest> {
  return {
    jobId: job.id,
    endpoint: job.endpoint,
    model: job.model,
    tenant: job.tenantId,
    inputTokens: job.inputTokens,
    maxOutputTokens: job.maxOutputTokens,
    capabilities: job.capabilities,
    wishes: job.routing,
    sla: job.sla,
    priority: job.priority,
    metadata: job.metadata,
    attempt: job.attempts + 1,
    deadlineAt: job.deadlineAt,
    body: readsRequest(alias) ? parseBody(await bytesOf(job.body, files)) : undefined,
    failedTargets: job.failedTargets,
  };
}

/** Bodies were checked when they came; one that is no JSON object all the same has no fields for rules. */
function parseBody(bytes: Buffer): RouteRequest["body"] {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

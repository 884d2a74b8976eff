import type { EngineConfig, FileStore, JobSpec, JobToRun, ModelAlias, RouteRequest } from "@sluice/domain";
import { readsRequest } from "@sluice/routing";
import { bytesOf } from "./payloads.ts";

type RoutedJob = JobSpec & Pick<JobToRun, "attempts" | "failedTargets">;

/**
 * What a decision reads of a job. Its body is read only when a rule of its model asks for it, or when a target of its
 * model speaks another dialect than the job.
 */
export async function routeRequest(
  { files, config }: { readonly files: FileStore; readonly config: EngineConfig },
  job: RoutedJob,
  alias: ModelAlias,
): Promise<RouteRequest> {
  const needsBody = readsRequest(config, alias, job.endpoint);
  return requestOfJob(job, needsBody ? parseBody(await bytesOf(job.body, files)) : undefined);
}

/** The same with a body that is known, or that nobody needs. */
export function requestOfJob(job: RoutedJob, body: RouteRequest["body"]): RouteRequest {
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
    body,
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

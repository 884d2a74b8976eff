import type { EstimateToRender } from "@sluice/contracts";
import type { EngineConfig, FinishEstimate, JobSpec } from "@sluice/domain";
import { isAtRisk, marksRisk } from "@sluice/engine";

/** An estimate with the mark that the job's SLA class wants. */
export function estimateOf(
  config: EngineConfig,
  job: Pick<JobSpec, "sla" | "deadlineAt">,
  estimate: FinishEstimate | undefined,
): EstimateToRender {
  return { estimate, atRisk: marksRisk(config, job.sla) && isAtRisk(estimate, job.deadlineAt) };
}

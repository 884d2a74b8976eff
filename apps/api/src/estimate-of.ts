import type { EstimateToRender } from "@sluice/contracts";
import type { Batch, EngineConfig, FinishEstimate, JobSpec } from "@sluice/domain";
import { isAtRisk, marksRisk } from "@sluice/engine";
import type { ApiPorts } from "./api-ports.ts";

/** For so long what predictions are made from may not count a batch yet. */
const uncountedMs = 3_000;

/** The estimate of a batch's last line; nothing can be told before its lines are known, nor is anything left to tell after its end. */
export function estimateOfBatch(
  config: EngineConfig,
  { forecaster, clock }: Pick<ApiPorts, "forecaster" | "clock">,
  batch: Pick<Batch, "status" | "sla" | "expiresAt" | "inProgressAt">,
  lastLine: JobSpec | undefined,
): EstimateToRender | undefined {
  if (batch.status === "validating") return { estimate: undefined, atRisk: false };
  if (batch.status !== "in_progress" || lastLine === undefined) return undefined;
  const isNew = clock.now() - (batch.inProgressAt ?? 0) < uncountedMs;
  const estimate = isNew ? lastLine.estimate : forecaster.estimate(lastLine);
  return estimateOf(config, { sla: batch.sla, deadlineAt: batch.expiresAt }, estimate);
}

/** An estimate with the mark that the job's SLA class wants. */
export function estimateOf(
  config: EngineConfig,
  job: Pick<JobSpec, "sla" | "deadlineAt">,
  estimate: FinishEstimate | undefined,
): EstimateToRender {
  return { estimate, atRisk: marksRisk(config, job.sla) && isAtRisk(estimate, job.deadlineAt) };
}

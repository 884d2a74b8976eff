import {
  type EngineConfig,
  type FinishEstimate,
  type JobSpec,
  type KeptEstimate,
  SluiceError,
  type TenantId,
} from "@sluice/domain";
import { slaClass } from "../spec-job.ts";
import { tenantConfig } from "../tenant-config.ts";
import type { Forecaster } from "./forecaster.ts";

export interface AdmissionPorts {
  readonly forecaster: Forecaster;
  readonly config: () => EngineConfig;
}

/** Says whether a job may come in. It waits only before it refuses, for the newest that is known. */
export interface Admission {
  /** Throws when the queue has no room for any job. */
  checkQueue(): Promise<void>;
  /** Throws when the queue, or the tenant's part of it, has no room for any job. */
  checkRoom(tenant: TenantId): Promise<void>;
  /** The job's estimate. Throws when it has no room, or its class refuses it because it would be late. */
  admit(job: JobSpec): Promise<KeptEstimate | undefined>;
}

const shortestRetrySeconds = 1;
const longestRetrySeconds = 3_600;
/** When nothing says how fast the queue goes down. */
const unknownRetrySeconds = 30;

/** Holds jobs against the bounds of the queue and the promises of their classes. */
export function createAdmission(ports: AdmissionPorts): Admission {
  const { forecaster, config } = ports;

  /** What refuses by what is known must still refuse by the newest that is known. */
  async function refuseFor(find: () => SluiceError | undefined): Promise<void> {
    if (find() === undefined) return;
    await forecaster.refreshed();
    const refusal = find();
    if (refusal !== undefined) throw refusal;
  }

  return {
    checkQueue: () => refuseFor(() => queueFull(ports)),
    checkRoom: (tenant) => refuseFor(() => queueFull(ports) ?? quotaUsed(ports, tenant, 1)),
    async admit(job) {
      await refuseFor(() => queueFull(ports) ?? quotaUsed(ports, job.tenantId, job.tokens));
      if (slaClass(config(), job.sla).admission === "refuse")
        await refuseFor(() => tooLate(job, forecaster.estimate(job)));
      return forecaster.estimate(job);
    },
  };
}

function queueFull({ forecaster, config }: AdmissionPorts): SluiceError | undefined {
  const { unfinished, perSecond } = forecaster.jobs();
  const { queuedJobs } = config().limits;
  if (unfinished < queuedJobs) return undefined;
  const retryAfterSeconds = secondsUntil(unfinished + 1 - queuedJobs, perSecond);
  return new SluiceError("queue_full", "The queue holds as many unfinished jobs as it may.", {
    retryAfterSeconds,
  });
}

function quotaUsed({ forecaster, config }: AdmissionPorts, tenant: TenantId, tokens: number) {
  const quota = tenantConfig(config(), tenant).limits.enqueuedTokens;
  if (quota === undefined) return undefined;
  if (tokens > quota) return largerThanQuota(tokens, quota);
  const backlog = forecaster.tenantBacklog(tenant);
  const excess = backlog.tokens + tokens - quota;
  if (excess <= 0) return undefined;
  const seconds = secondsUntil(excess, backlog.tokensPerSecond);
  return new SluiceError(
    "enqueued_tokens_exceeded",
    `The unfinished jobs of this tenant may count ${quota} tokens together; they count ${Math.round(backlog.tokens)}.`,
    { retryAfterSeconds: Math.max(seconds, Math.ceil(backlog.latencyMs / 1000)) },
  );
}

function largerThanQuota(tokens: number, quota: number): SluiceError {
  const message = `'body' counts ${tokens} tokens; all unfinished jobs of this tenant may count ${quota}.`;
  return new SluiceError("invalid_value", message, { param: "body" });
}

/** Late, too, where nothing can be told? No: a class refuses by what is known. */
function tooLate(job: JobSpec, estimate: KeptEstimate | undefined): SluiceError | undefined {
  if (estimate === undefined || !isAtRisk(estimate, job.deadlineAt)) return undefined;
  const spread = (estimate.p95At - job.acceptedAt) / Math.max(1, estimate.waitMs + estimate.serviceMs);
  const lateMs = (estimate.p95At - job.deadlineAt) / spread;
  // Waiting helps as far as it is the queue that makes it late.
  const canHelp = lateMs <= estimate.waitMs;
  return new SluiceError("deadline_unattainable", "The job would probably not finish by its deadline.", {
    retryAfterSeconds: canHelp ? clamp(lateMs / 1000) : longestRetrySeconds,
    param: "deadline",
  });
}

/** Whether a job may well be late: one in twenty is, of those predicted to finish at their deadlines. */
export function isAtRisk(estimate: FinishEstimate | undefined, deadlineAt: number): boolean {
  return estimate === undefined || estimate.p95At > deadlineAt;
}

/** Whether jobs of this class are marked when they may be late. */
export function marksRisk(config: EngineConfig, sla: string): boolean {
  const admission = config.slaClasses[sla]?.admission;
  return admission !== "accept";
}

function secondsUntil(amount: number, perSecond: number): number {
  return perSecond > 0 ? clamp(amount / perSecond) : unknownRetrySeconds;
}

function clamp(seconds: number): number {
  return Math.min(longestRetrySeconds, Math.max(shortestRetrySeconds, Math.ceil(seconds)));
}

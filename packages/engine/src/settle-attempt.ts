import {
  assertNever,
  type JobFailure,
  type JobResult,
  type JobToRun,
  type NextStep,
  type Outcome,
  type Settlement,
  type Target,
  type TerminalJobState,
  type Usage,
  type Verdict,
  type WorkerId,
} from "@sluice/domain";
import { decideNextStep } from "@sluice/routing";
import { payloadOf } from "./accept-job.ts";
import { announceEnd, failureOf, newEventIds } from "./end-job.ts";
import type { Placement } from "./place-job.ts";
import type { ProcessJobPorts } from "./process-job-ports.ts";

/** An attempt whose call has ended. */
export interface EndedAttempt {
  readonly job: JobToRun;
  readonly placed: Extract<Placement, { kind: "placed" }>;
  readonly epoch: number;
  readonly workerId: WorkerId;
  readonly outcome: Outcome;
}

/** Gives capacity back, decides the next step, commits it to the ledger, and only then says what happens to the pointer. */
export async function settleAttempt(ports: ProcessJobPorts, ended: EndedAttempt): Promise<Verdict> {
  const { job, outcome, placed } = ended;
  const usage = usageOf(outcome);
  const costUsd = usage === undefined ? 0 : costOf(placed.target, usage);
  await settleCapacity(ports, ended, usage, costUsd);
  const now = ports.clock.now();
  const step = decideNextStep({
    outcome,
    attempts: job.attempts + 1,
    maxAttempts: job.maxAttempts,
    retry: ports.config().retry,
    now,
    deadlineAt: job.deadlineAt,
    onMiss: job.onMiss,
    random: ports.random.next(),
  });
  const next = await nextOf(ports, ended, step, now);
  const settlement: Settlement = {
    jobId: job.id,
    epoch: ended.epoch,
    workerId: ended.workerId,
    endedAt: now,
    targetId: placed.target.id,
    outcome: outcome.kind,
    statusCode: statusOf(outcome),
    latencyMs: outcome.latencyMs,
    usage,
    costUsd,
    next,
  };
  recordMetrics(ports, settlement);
  const result = await commit(ports, settlement);
  if (result.kind === "fenced") {
    ports.metrics.increment("sluice_outcomes_fenced_total");
    ports.logger.warn(
      { jobId: job.id, epoch: ended.epoch },
      "the job went on without this attempt; its result is discarded",
    );
    return { kind: "done", reference: "fenced" };
  }
  if (next.kind === "wait") return { kind: "later", at: next.notBeforeAt };
  await announceEnd(ports, job, next.state, result.deliveryId, next.failure?.code);
  return next.state === "succeeded"
    ? { kind: "done", reference: job.id }
    : { kind: "failed", code: next.failure?.code ?? next.state };
}

async function nextOf(
  ports: ProcessJobPorts,
  ended: EndedAttempt,
  step: NextStep,
  now: number,
): Promise<Settlement["next"]> {
  switch (step.kind) {
    case "complete":
      return endWithResult(ports, ended, step.state);
    case "snooze":
      if (isAmbiguous(ended)) return endWithFailure(ports, ended.job, "dead", failureOf("ambiguous_attempt"));
      return { kind: "wait", notBeforeAt: now + step.delayMs, avoidTarget: false, spentAttempt: false };
    case "retry":
      return {
        kind: "wait",
        notBeforeAt: now + step.delayMs,
        avoidTarget: step.avoidTarget,
        spentAttempt: true,
      };
    case "dead-letter":
      return endWithFailure(ports, ended.job, "dead", failureOf("attempts_exhausted"));
    case "expire": {
      const code = ended.job.batchLine === undefined ? "job_expired" : "batch_expired";
      return endWithFailure(ports, ended.job, "expired", failureOf(code));
    }
    default:
      return assertNever(step);
  }
}

/** A call that we stopped after it was sent may have been served and paid for. */
function isAmbiguous({ job, outcome }: EndedAttempt): boolean {
  return job.onAmbiguous === "fail" && outcome.kind === "aborted" && outcome.sentAfterMs !== undefined;
}

async function endWithResult(
  ports: ProcessJobPorts,
  ended: EndedAttempt,
  state: "succeeded" | "failed",
): Promise<Settlement["next"]> {
  const { outcome, job } = ended;
  if (outcome.kind !== "succeeded" && outcome.kind !== "refused")
    throw new Error(`a ${outcome.kind} call has no result`);
  const { answer } = outcome;
  const line = {
    statusCode: answer.statusCode,
    contentType: answer.contentType,
    upstreamRequestId: answer.requestId,
  };
  const result: JobResult = { ...line, body: await payloadOf(answer.body, ports.files) };
  const lineBytes = job.batchLine === undefined ? 0 : ports.resultLineBytes(job, line, answer.body);
  return { kind: "end", state, result, failure: undefined, lineBytes, ids: newEventIds(ports.ids) };
}

function endWithFailure(
  ports: ProcessJobPorts,
  job: JobToRun,
  state: TerminalJobState,
  failure: JobFailure,
): Settlement["next"] {
  const lineBytes =
    job.batchLine === undefined ? 0 : ports.failureLineBytes({ ...job.batchLine, jobId: job.id, failure });
  return { kind: "end", state, result: undefined, failure, lineBytes, ids: newEventIds(ports.ids) };
}

/** Never throws: lost counters are rebuilt, a lost result is not. */
async function settleCapacity(
  ports: ProcessJobPorts,
  ended: EndedAttempt,
  usage: Usage | undefined,
  costUsd: number,
): Promise<void> {
  const { outcome, placed, job } = ended;
  const used = usage ?? { inputTokens: job.inputTokens, outputTokens: undefined };
  const sample = {
    latencyMs: outcome.latencyMs,
    ok: outcome.kind === "succeeded" || outcome.kind === "refused",
  };
  const tasks: Promise<unknown>[] = [
    outcome.sentAfterMs === undefined
      ? ports.capacity.release(placed.reservation)
      : ports.capacity.settle(placed.reservation, {
          inputTokens: used.inputTokens,
          outputTokens: used.outputTokens,
          costUsd,
          sentAfterMs: outcome.sentAfterMs,
        }),
  ];
  if (outcome.kind !== "aborted") tasks.push(ports.capacity.observe(placed.target.id, sample));
  if (outcome.rateLimits !== undefined)
    tasks.push(ports.capacity.learn(placed.target, outcome.rateLimits, placed.reservation));
  const pauseMs = pauseFor(outcome);
  if (pauseMs > 0)
    tasks.push(ports.capacity.pause(placed.target.id, ports.clock.now() + pauseMs, outcome.kind));
  const results = await Promise.allSettled(tasks);
  for (const result of results) {
    if (result.status === "rejected")
      ports.logger.warn(
        { jobId: job.id, err: result.reason },
        "capacity was not settled; it lapses by its lease",
      );
  }
}

const misconfiguredPauseMs = 60_000;
const longestPauseMs = 60_000;

/** A wrong credential stops a target for a minute; a throttled one rests as long as it asked, within bounds. */
function pauseFor(outcome: Outcome): number {
  if (outcome.kind === "misconfigured") return misconfiguredPauseMs;
  if (outcome.kind === "throttled") return Math.min(outcome.retryAfterMs ?? 1_000, longestPauseMs);
  return 0;
}

const commitRetryMs = 500;

/** Tries until the ledger answers or the lease is gone: the call is paid for. */
async function commit(
  ports: ProcessJobPorts,
  settlement: Settlement,
): Promise<{ kind: "recorded"; deliveryId: string | undefined } | { kind: "fenced" }> {
  for (;;) {
    try {
      const [result] = await ports.ledger.settle([settlement]);
      if (result === undefined) throw new Error("the ledger gave no result for a settlement");
      return result;
    } catch (error) {
      if (!ports.lease.holds()) throw error;
      ports.logger.warn(
        { jobId: settlement.jobId, err: error },
        "the outcome is not committed yet; trying again",
      );
      await new Promise<void>((resolve) => void ports.clock.setTimer(commitRetryMs, resolve));
    }
  }
}

function usageOf(outcome: Outcome): Usage | undefined {
  return outcome.kind === "succeeded" ? outcome.usage : undefined;
}

function statusOf(outcome: Outcome): number | undefined {
  if (outcome.kind === "succeeded" || outcome.kind === "refused") return outcome.answer.statusCode;
  return "statusCode" in outcome ? outcome.statusCode : undefined;
}

/** USD, cached prompt tokens at their own price. */
export function costOf(target: Target, usage: Usage): number {
  const fresh = Math.max(0, usage.inputTokens - usage.cachedInputTokens);
  const { price } = target;
  return (
    (fresh * price.input + usage.cachedInputTokens * price.cachedInput + usage.outputTokens * price.output) /
    1_000_000
  );
}

function recordMetrics(ports: ProcessJobPorts, settlement: Settlement): void {
  const target = settlement.targetId;
  ports.metrics.increment("sluice_attempts_total", { target, outcome: settlement.outcome });
  ports.metrics.observe("sluice_attempt_duration_seconds", { target }, settlement.latencyMs / 1000);
  if (settlement.usage === undefined) return;
  ports.metrics.increment(
    "sluice_tokens_total",
    { target, direction: "input" },
    settlement.usage.inputTokens,
  );
  ports.metrics.increment(
    "sluice_tokens_total",
    { target, direction: "output" },
    settlement.usage.outputTokens,
  );
  ports.metrics.increment("sluice_spend_usd_total", { target }, settlement.costUsd);
}

import {
  assertNever,
  type JobFailure,
  type JobResult,
  type JobToRun,
  type NextStep,
  noUsage,
  type Outcome,
  type Payload,
  type Settlement,
  type Target,
  type TerminalJobState,
  type Usage,
  type Verdict,
} from "@sluice/domain";
import { decideNextStep } from "@sluice/routing";
import { commitSettlement } from "./commit-settlement.ts";
import { announceEnd, failureOf, newEventIds } from "./end-job.ts";
import type { EndedAttempt } from "./ended-attempt.ts";
import { payloadOf } from "./payloads.ts";
import type { ProcessJobPorts } from "./process-job-ports.ts";
import { settleCapacity } from "./settle-capacity.ts";

/**
 * Decides the next step, commits it to the ledger, and only then says what happens to the pointer. Capacity is given
 * back beside that: a Redis that does not answer must not keep a paid result from the ledger.
 */
export async function settleAttempt(ports: ProcessJobPorts, ended: EndedAttempt): Promise<Verdict> {
  const { job, outcome, placed } = ended;
  const usage = usageOf(ended);
  const costUsd = usage === undefined ? 0 : costOf(placed.target, usage);
  const capacitySettled = settleCapacity(ports, ended, { usage, costUsd });
  const now = ports.clock.now();
  const attempts = job.attempts + 1;
  const step = decideNextStep({
    outcome,
    attempts,
    maxAttempts: job.maxAttempts,
    unspentTries: ended.epoch - attempts,
    alternatives: placed.route.order.length - 1,
    probed: placed.reservation.probe !== undefined,
    streamBegan: ended.streamed?.began ?? false,
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
    sentAt: sentAt(ports, ended),
    targetId: placed.target.id,
    outcome: outcome.kind,
    statusCode: statusOf(outcome),
    latencyMs: outcome.latencyMs,
    firstTokenMs: outcome.firstTokenMs,
    usage,
    costUsd,
    next,
  };
  recordMetrics(ports, settlement);
  if (outcome.kind === "misconfigured") {
    const { statusCode } = outcome;
    ports.logger.error(
      { target: placed.target.id, statusCode },
      "a target refuses our credential or model name and is paused",
    );
  }
  logAttempt(ports, settlement);
  // failpoint: after-answer-before-outcome
  const result = await commitSettlement(ports, settlement);
  // failpoint: after-outcome-before-lane
  await capacitySettled;
  if (result.kind === "fenced") {
    ports.metrics.increment("sluice_outcomes_fenced_total");
    ports.logger.warn(
      { jobId: job.id, epoch: ended.epoch },
      "the job went on without this attempt; its result is discarded",
    );
    // Whoever takes the pointer next sees what has become of the job.
    return { kind: "later", at: ports.clock.now() };
  }
  if (next.kind === "wait") {
    if (mayBePaid(outcome)) ports.metrics.increment("sluice_duplicate_spend_total");
    return { kind: "later", at: next.notBeforeAt };
  }
  reportEnd(ports, settlement, job);
  await announceEnd(ports, job, next.state, result.deliveryIds, next.failure?.code);
  return next.state === "succeeded"
    ? { kind: "done", reference: job.id }
    : { kind: "failed", code: next.failure?.code ?? next.state };
}

/** Outcomes say how long after the reservation the request was on the wire. */
function sentAt(
  { clock }: Pick<ProcessJobPorts, "clock">,
  { outcome, placed }: EndedAttempt,
): number | undefined {
  if (outcome.sentAfterMs === undefined) return undefined;
  return clock.now() - (clock.monotonicMs() - placed.reservedAtMs - outcome.sentAfterMs);
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
      return endWithFailure(ports, ended.job, "dead", failureOf(step.code));
    case "expire": {
      const code = ended.job.batchLine === undefined ? "job_expired" : "batch_expired";
      return endWithFailure(ports, ended.job, "expired", failureOf(code));
    }
    default:
      return assertNever(step);
  }
}

function isAmbiguous({ job, outcome }: EndedAttempt): boolean {
  return job.onAmbiguous === "fail" && mayBePaid(outcome);
}

/** A call that we stopped after it was sent may have been served and paid for. */
function mayBePaid(outcome: Outcome): boolean {
  return outcome.kind === "aborted" && outcome.sentAfterMs !== undefined;
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
  const result: JobResult = { ...line, body: await keptPayload(ports, job, answer.body) };
  const lineBytes = job.batchLine === undefined ? 0 : ports.resultLineBytes(job, line, answer.body);
  const responseEnding = job.response === "background" ? ports.responseEnding(answer.body) : undefined;
  const ids = newEventIds(ports.ids);
  return { kind: "end", state, result, failure: undefined, responseEnding, lineBytes, ids };
}

/** A result that the file store does not take goes into the ledger's row, however large: the call is paid for. */
async function keptPayload(ports: ProcessJobPorts, job: JobToRun, bytes: Buffer): Promise<Payload> {
  try {
    return await payloadOf(bytes, ports.files);
  } catch (error) {
    ports.logger.warn(
      { jobId: job.id, err: error },
      "the file store did not take a result; the ledger keeps it",
    );
    return { kind: "inline", bytes };
  }
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

/** What the ledger's columns hold: an upstream's nonsense must not make its outcome impossible to commit. */
const mostTokens = 2_147_483_647;

function usageOf({ outcome, streamed, job }: EndedAttempt): Usage | undefined {
  // The upstream does not say what a stream cost that broke off.
  if (streamed?.began === true && outcome.kind !== "succeeded")
    return { ...noUsage, inputTokens: job.inputTokens, outputTokens: streamed.outputTokens };
  if (outcome.kind !== "succeeded" || outcome.usage === undefined) return undefined;
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = outcome.usage;
  return {
    inputTokens: Math.min(inputTokens, mostTokens),
    outputTokens: Math.min(outputTokens, mostTokens),
    cachedInputTokens: Math.min(cachedInputTokens, mostTokens),
    reasoningTokens: Math.min(reasoningTokens, mostTokens),
  };
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

/** What a finish teaches about predictions: only jobs that got their result were predicted to have one. */
function reportEnd(ports: ProcessJobPorts, { targetId, endedAt, next }: Settlement, job: JobToRun): void {
  ports.reports.served(job, targetId);
  if (next.kind !== "end" || (next.state !== "succeeded" && next.state !== "failed")) return;
  ports.reports.finished(job, endedAt);
  if (job.estimate === undefined) return;
  const { p50At, p95At } = job.estimate;
  const kept = endedAt <= p50At ? "p50" : endedAt <= p95At ? "p95" : "late";
  ports.metrics.increment("sluice_eta_finished_total", { kept });
}

/** One line for each attempt; those that went well only when asked for. */
function logAttempt({ logger }: ProcessJobPorts, settlement: Settlement): void {
  const { jobId, epoch, targetId: target, outcome, statusCode, latencyMs } = settlement;
  const fields = { jobId, epoch, target, outcome, statusCode, latencyMs: Math.round(latencyMs) };
  if (outcome === "succeeded") logger.debug(fields, "attempt settled");
  else logger.info(fields, "attempt settled");
}

function recordMetrics(ports: ProcessJobPorts, settlement: Settlement): void {
  const target = settlement.targetId;
  ports.metrics.increment("sluice_attempts_total", { target, outcome: settlement.outcome });
  ports.metrics.observe("sluice_attempt_duration_seconds", { target }, settlement.latencyMs / 1000);
  if (settlement.firstTokenMs !== undefined)
    ports.metrics.observe("sluice_attempt_first_token_seconds", { target }, settlement.firstTokenMs / 1000);
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

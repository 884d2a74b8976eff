import { assertNever, type CallSample, type Outcome, type RealUse, type Usage } from "@sluice/domain";
import type { EndedAttempt } from "./ended-attempt.ts";
import type { ProcessJobPorts } from "./process-job-ports.ts";

/** What an attempt cost, as far as the upstream said. */
export interface Cost {
  readonly usage: Usage | undefined;
  readonly costUsd: number;
}

/** Gives capacity back and passes on what the outcome says of the target. Never rejects: lost counters are rebuilt. */
export async function settleCapacity(
  ports: Pick<ProcessJobPorts, "capacity" | "clock" | "logger">,
  ended: EndedAttempt,
  cost: Cost,
): Promise<void> {
  const results = await Promise.allSettled(tellCapacity(ports, ended, cost));
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    ports.logger.warn({ jobId: ended.job.id, err: result.reason }, "capacity was not settled yet");
  }
}

function tellCapacity(
  { capacity, clock }: Pick<ProcessJobPorts, "capacity" | "clock">,
  { outcome, placed, job }: EndedAttempt,
  cost: Cost,
): Promise<void>[] {
  const { target, reservation } = placed;
  const tasks = [
    outcome.sentAfterMs === undefined
      ? capacity.release(reservation)
      : capacity.settle(reservation, realUse(job.inputTokens, outcome.sentAfterMs, cost)),
  ];
  // A call that we stopped says nothing of the target, unless it was the one by which its breaker hoped to learn.
  if (outcome.kind !== "aborted" || reservation.probe !== undefined) {
    const outputTokens = cost.usage?.outputTokens;
    tasks.push(
      capacity.observe(target.id, {
        ...sampleOf(outcome),
        firstTokenMs: outcome.firstTokenMs,
        outputTokens,
        costUsd: cost.costUsd,
        reservation,
      }),
    );
  }
  if (outcome.rateLimits !== undefined) tasks.push(capacity.learn(target, outcome.rateLimits, reservation));
  const pauseMs = pauseFor(outcome);
  if (pauseMs > 0) tasks.push(capacity.pause(target.id, clock.now() + pauseMs, outcome.kind));
  return tasks;
}

/** 529: Anthropic's word for it. */
const overloadedStatuses = new Set([503, 504, 529]);

/** What a call says of its target: a breaker opens for failures, not for limits, refusals or a wrong key. */
function sampleOf(outcome: Outcome): CallSample {
  const { latencyMs } = outcome;
  switch (outcome.kind) {
    case "succeeded":
    case "refused":
      return { latencyMs, ok: true, health: "good" };
    case "overloaded":
      // 408, 409 and 425 are about this request.
      if (outcome.statusCode < 500) return { latencyMs, ok: false };
      return {
        latencyMs,
        ok: false,
        health: "failing",
        retryAfterMs: outcome.retryAfterMs,
        isOverloaded: overloadedStatuses.has(outcome.statusCode),
      };
    case "unreachable":
      return { latencyMs, ok: false, health: outcome.sentAfterMs === undefined ? "unreachable" : "failing" };
    case "timed-out":
      return outcome.phase === "connect"
        ? { latencyMs, ok: false, health: "unreachable" }
        : { latencyMs, ok: false, health: "failing", isOverloaded: true };
    case "malformed":
      return { latencyMs, ok: false, health: "failing" };
    case "throttled":
      return { latencyMs, ok: false, isOverloaded: true };
    case "misconfigured":
      return { latencyMs, ok: false };
    case "aborted":
      return { latencyMs };
    default:
      return assertNever(outcome);
  }
}

function realUse(estimatedInput: number, sentAfterMs: number, { usage, costUsd }: Cost): RealUse {
  const inputTokens = usage?.inputTokens ?? estimatedInput;
  return { inputTokens, outputTokens: usage?.outputTokens, costUsd, sentAfterMs };
}

const misconfiguredPauseMs = 60_000;
const longestPauseMs = 60_000;

/** A wrong credential stops a target for a minute; a throttled one rests as long as it asked, within bounds. */
function pauseFor(outcome: Outcome): number {
  if (outcome.kind === "misconfigured") return misconfiguredPauseMs;
  if (outcome.kind === "throttled") return Math.min(outcome.retryAfterMs ?? 1_000, longestPauseMs);
  return 0;
}

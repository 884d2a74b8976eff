import type { Outcome, RealUse, Usage } from "@sluice/domain";
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
    ports.logger.warn(
      { jobId: ended.job.id, err: result.reason },
      "capacity was not settled; it lapses by its lease",
    );
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
  const ok = outcome.kind === "succeeded" || outcome.kind === "refused";
  if (outcome.kind !== "aborted")
    tasks.push(capacity.observe(target.id, { latencyMs: outcome.latencyMs, ok }));
  if (outcome.rateLimits !== undefined) tasks.push(capacity.learn(target, outcome.rateLimits, reservation));
  const pauseMs = pauseFor(outcome);
  if (pauseMs > 0) tasks.push(capacity.pause(target.id, clock.now() + pauseMs, outcome.kind));
  return tasks;
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

import type { JobToRun, Target, TargetSignals } from "@sluice/domain";

const longestCallMs = 600_000;
/** A call may outlast a job's deadline by this long: it is paid for anyway. */
const overtimeMs = 10_000;

/** No call is given up before this, however fast its target usually is. */
const leastPatienceMs = 60_000;
const latencies = 4;
/** Times the time that the longest answer the request allows takes at the target's measured speed. */
const longestAnswers = 3;

/**
 * How long a call may take, in ms: up to the job's deadline, and, of a target whose speed is known, not much longer
 * than the longest answer that the request allows could take there: a target that hangs must not hold calls for long.
 */
export function callTimeoutMs(
  job: Pick<JobToRun, "onMiss" | "deadlineAt" | "maxOutputTokens">,
  target: Pick<Target, "maxOutputTokens">,
  signals: Pick<TargetSignals, "latencyP95Ms" | "tokensPerSecond"> | undefined,
  now: number,
): number {
  const untilDeadline = job.onMiss === "best_effort" ? longestCallMs : job.deadlineAt - now + overtimeMs;
  return Math.min(longestCallMs, untilDeadline, patienceMs(job.maxOutputTokens, target, signals));
}

function patienceMs(
  maxOutputTokens: number | undefined,
  target: Pick<Target, "maxOutputTokens">,
  signals: Pick<TargetSignals, "latencyP95Ms" | "tokensPerSecond"> | undefined,
): number {
  if (signals?.latencyP95Ms === undefined || signals.tokensPerSecond === undefined) return longestCallMs;
  const tokens = Math.min(maxOutputTokens ?? target.maxOutputTokens, target.maxOutputTokens);
  const longestAnswerMs = (tokens / signals.tokensPerSecond) * 1_000;
  return Math.max(leastPatienceMs, latencies * signals.latencyP95Ms, longestAnswers * longestAnswerMs);
}

/**
 * No call is taken to be stuck before this, however fast its target usually is. Longer than a breaker takes to open for
 * a target that is silent: the places that are lent must not fill with calls of the same target.
 */
const leastStuckMs = 8_000;

/**
 * After how long a call is taken to be stuck, in ms; undefined of a target whose latency is not known. It goes on, but
 * need not keep others from being called: that a target hangs is known for sure only when calls time out.
 */
export function stuckAfterMs(signals: Pick<TargetSignals, "latencyP95Ms"> | undefined): number | undefined {
  if (signals?.latencyP95Ms === undefined) return undefined;
  return Math.max(leastStuckMs, latencies * signals.latencyP95Ms);
}

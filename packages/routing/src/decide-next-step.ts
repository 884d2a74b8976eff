import { assertNever, type NextStep, type OnMiss, type Outcome, type RetryPolicy } from "@sluice/domain";
import { backoffMs } from "./backoff.ts";

export interface NextStepInput {
  readonly outcome: Outcome;
  /** Attempts spent if this one is, so 1 for the first. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Tries before this one that spent no attempt: the attempt's epoch − `attempts`. Default 0. */
  readonly unspentTries?: number;
  /** Other targets that could serve the job now: `order.length` − 1 of its route. Default 0. */
  readonly alternatives?: number;
  /** The call was to show whether a target that kept failing is back. */
  readonly probed?: boolean;
  /** A client may have seen some of the answer: another one could not go on where this one stopped. */
  readonly streamBegan?: boolean;
  readonly retry: RetryPolicy;
  /** ms since 1970. */
  readonly now: number;
  readonly deadlineAt: number;
  readonly onMiss: OnMiss;
  /** A draw in [0, 1). */
  readonly random: number;
}

/** An upstream that says 429 for longer than this many tries starts to cost attempts. */
export const freeTries = 20;

/** What a provider says about when to come back is believed up to here. */
const longestRetryAfterMs = 60_000;

/** What a job does after an attempt, as the table in docs/next-steps.md says. */
export function decideNextStep(input: NextStepInput): NextStep {
  const { outcome } = input;
  const isAnswered = outcome.kind === "succeeded" || outcome.kind === "refused";
  if (input.streamBegan === true && !isAnswered) return { kind: "dead-letter", code: "stream_interrupted" };
  switch (outcome.kind) {
    case "succeeded":
      return { kind: "complete", state: "succeeded" };
    case "refused":
      return { kind: "complete", state: "failed" };
    case "aborted":
      return { kind: "snooze", delayMs: 0 };
    case "throttled":
      return afterThrottle(input, outcome.retryAfterMs);
    case "misconfigured":
      return tryAgain(input, hasAlternatives(input) ? 0 : backoff(input));
    case "overloaded":
      return tryAgain(input, Math.max(backoff(input), waitAsked(input, outcome.retryAfterMs)));
    case "unreachable":
      return afterNoConnection(input, outcome.sentAfterMs !== undefined);
    case "timed-out":
    case "malformed":
      return tryAgain(input, backoff(input));
    default:
      return assertNever(outcome);
  }
}

/** Waiting is not failing: only a target that throttles without end may cost attempts. */
function afterThrottle(input: NextStepInput, retryAfterMs: number | undefined): NextStep {
  const tries = input.unspentTries ?? 0;
  const delayMs = Math.max(waitAsked(input, retryAfterMs), backoffMs(tries + 1, input.retry, input.random));
  if (tries >= freeTries) return tryAgain(input, delayMs);
  return missesDeadline(input, delayMs) ? { kind: "expire" } : { kind: "snooze", delayMs };
}

/** A job that probed for all the others does not pay for a target that could not even be reached. */
function afterNoConnection(input: NextStepInput, wasSent: boolean): NextStep {
  const delayMs = backoff(input);
  if (input.probed !== true || wasSent || (input.unspentTries ?? 0) >= freeTries)
    return tryAgain(input, delayMs);
  return missesDeadline(input, delayMs) ? { kind: "expire" } : { kind: "snooze", delayMs };
}

/** Another target need not wait for what this one asked for. */
function waitAsked(input: NextStepInput, retryAfterMs: number | undefined): number {
  if (retryAfterMs === undefined || hasAlternatives(input)) return 0;
  return Math.min(longestRetryAfterMs, Math.max(input.retry.baseMs, retryAfterMs));
}

function hasAlternatives({ alternatives }: NextStepInput): boolean {
  return (alternatives ?? 0) > 0;
}

function tryAgain(input: NextStepInput, delayMs: number): NextStep {
  if (input.attempts >= input.maxAttempts) return { kind: "dead-letter", code: "attempts_exhausted" };
  if (missesDeadline(input, delayMs)) return { kind: "expire" };
  return { kind: "retry", delayMs, avoidTarget: true };
}

function backoff({ attempts, retry, random }: NextStepInput): number {
  return backoffMs(attempts, retry, random);
}

function missesDeadline({ now, deadlineAt, onMiss }: NextStepInput, delayMs: number): boolean {
  return onMiss === "expire" && now + delayMs >= deadlineAt;
}

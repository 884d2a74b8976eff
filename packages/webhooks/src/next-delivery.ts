import type { Random } from "@sluice/domain";
import type { SendResult } from "./send-result.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Delay before each attempt, in milliseconds, without jitter: the example schedule of Standard Webhooks 1.0 (75 h 35 min in all). */
export const deliveryScheduleMs: readonly number[] = [
  0,
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];

const jitter = 0.2;

/**
 * Milliseconds to wait before the next attempt when `attemptsMade` are over (0 = none yet), ±20 %; undefined when the
 * schedule is used up.
 */
export function nextDeliveryDelayMs(attemptsMade: number, random: Random): number | undefined {
  const base = deliveryScheduleMs[attemptsMade];
  if (base === undefined) return undefined;
  return Math.round(base * (1 - jitter + 2 * jitter * random.next()));
}

export type DeliveryDecision =
  | { readonly kind: "done" }
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "give-up"; readonly reason: "gone" | "attempts-exhausted" };

/** What one attempt's result means; `attemptsMade` includes that attempt. */
export interface DecideNextDeliveryInput {
  readonly attemptsMade: number;
  readonly result: SendResult;
  readonly random: Random;
}

/**
 * Decides what follows an attempt: 2xx is done, 410 gives up at once, everything else is tried again by schedule.
 * A `Retry-After` is honoured between the scheduled delay and twice that, so a receiver can slow us down, not stop us.
 */
export function decideNextDelivery({
  attemptsMade,
  result,
  random,
}: DecideNextDeliveryInput): DeliveryDecision {
  if (result.kind === "delivered") return { kind: "done" };
  if (result.kind === "rejected" && result.status === 410) return { kind: "give-up", reason: "gone" };

  const delayMs = nextDeliveryDelayMs(attemptsMade, random);
  const base = deliveryScheduleMs[attemptsMade];
  if (delayMs === undefined || base === undefined) return { kind: "give-up", reason: "attempts-exhausted" };
  const asked = result.kind === "rejected" ? result.retryAfterMs : undefined;
  if (asked === undefined) return { kind: "retry", delayMs };
  return { kind: "retry", delayMs: Math.min(Math.max(asked, base), 2 * base) };
}

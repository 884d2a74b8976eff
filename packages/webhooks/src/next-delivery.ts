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

/** What the receiver answered, if it did. */
export interface DeliveryAnswer {
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

/**
 * Milliseconds to wait before the next attempt when `attemptsMade` are over (0 = none yet), ±20 % by `random`
 * (0 ≤ random < 1); undefined to give up: the schedule is used up, or the receiver said 410. A `Retry-After` is honoured
 * between the scheduled delay and twice that, so a receiver can slow us down, but neither hurry nor stop us.
 */
export function nextDeliveryDelayMs(
  attemptsMade: number,
  random: number,
  answer: DeliveryAnswer = {},
): number | undefined {
  const base = deliveryScheduleMs[attemptsMade];
  if (base === undefined || answer.status === 410) return undefined;
  if (answer.retryAfterMs !== undefined) return Math.min(Math.max(answer.retryAfterMs, base), 2 * base);
  return Math.round(base * (1 - jitter + 2 * jitter * random));
}

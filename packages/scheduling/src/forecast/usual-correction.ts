import type { Correction } from "@sluice/domain";

const usual = { p50: 1.2, p95: 3 };
/** What waits for less has little time to be overtaken. */
const shortMs = 30_000;
const usualOfShort = { p50: 1, p95: 3 };
/** Half and 95 % points of 1 / (1 - share), the share even between 0 and 1. */
const unseen = { p50: 2, p95: 20 };

/**
 * How a prediction is corrected while none of its kind has come true. As long as arrivals have been watched for less than
 * the job waits, the share of the targets that more urgent work will take is anybody's guess: evenly between nothing and
 * all, and the wait grows by 1 / (1 - share). But work is accepted to be finished by its deadline: beyond that, a job that
 * could just be finished is not taken for late.
 */
export function usualCorrection(prediction: {
  readonly waitMs: number;
  readonly finishesInMs: number;
  readonly leadMs: number;
  /** For so long arrivals have been watched. */
  readonly watchedMs: number;
}): Correction {
  const { waitMs, finishesInMs, leadMs, watchedMs } = prediction;
  const { p50, p95 } = waitMs < shortMs ? usualOfShort : usual;
  if (watchedMs >= waitMs) return { p50, p95 };
  const room = leadMs / Math.max(1, finishesInMs);
  return {
    p50: Math.max(p50, Math.min(unseen.p50, room / 10)),
    p95: Math.max(p95, Math.min(unseen.p95, room)),
  };
}

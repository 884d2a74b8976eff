import type { Correction, ForecastSnapshot, KeptEstimate } from "@sluice/domain";
import { correctionOf } from "./calibrate.ts";
import { type ForecastJob, longestWaitMs, predictWaitMs } from "./predict-wait.ts";
import type { SetView } from "./set-view.ts";
import { usualCorrection } from "./usual-correction.ts";

/** A call of which nothing is known yet. */
const usualServiceMs = 1_000;

export interface EstimateQuestion {
  readonly view: SetView;
  readonly corrections: ForecastSnapshot["corrections"];
  readonly candidateSet: string;
  readonly job: ForecastJob & { readonly leadMs: number };
  /** For so long arrivals have been watched. */
  readonly watchedMs: number;
  /** Not before this, such as the moment of its next attempt; it is at hand when that has passed. */
  readonly notBeforeAt?: number | undefined;
  readonly now: number;
}

/** When a job will have finished, seen from `now`; `undefined` when that cannot be told. */
export function estimateFinish(question: EstimateQuestion): KeptEstimate | undefined {
  const { view, job, now } = question;
  const passedMs = Math.max(0, now - view.takenAt);
  const heldMs = Math.max(0, (question.notBeforeAt ?? now) - now);
  const waitMs = Math.max(heldMs, predictWaitMs(view, job) - passedMs);
  if (waitMs > longestWaitMs) return undefined;
  const serviceMs = view.latencyMs ?? usualServiceMs;
  const finishesInMs = waitMs + serviceMs;
  const { p50, p95 } = correction(question, { waitMs, finishesInMs });
  return {
    p50At: Math.round(now + finishesInMs * p50),
    p95At: Math.round(now + finishesInMs * p95),
    waitMs: Math.round(waitMs),
    serviceMs: Math.round(serviceMs),
  };
}

function correction(
  { corrections, candidateSet, job: { leadMs }, watchedMs }: EstimateQuestion,
  predicted: { readonly waitMs: number; readonly finishesInMs: number },
): Correction {
  const known = correctionOf(corrections, { candidateSet, waitMs: predicted.waitMs, leadMs });
  return known ?? usualCorrection({ ...predicted, leadMs, watchedMs });
}

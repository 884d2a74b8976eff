import type { ForecastSnapshot, KeptEstimate } from "@sluice/domain";
import { correctionOf } from "./calibrate.ts";
import { horizonOf } from "./horizons.ts";
import { type ForecastJob, longestWaitMs, predictWaitMs } from "./predict-wait.ts";
import type { SetView } from "./set-view.ts";

/** A call of which nothing is known yet. */
const usualServiceMs = 1_000;

export interface EstimateQuestion {
  readonly view: SetView;
  readonly corrections: ForecastSnapshot["corrections"];
  readonly candidateSet: string;
  readonly job: ForecastJob;
  /** Not before this, such as the moment of its next attempt; it is at hand when that has passed. */
  readonly notBeforeAt?: number | undefined;
  readonly now: number;
}

/** When a job will have finished, seen from `now`; `undefined` when that cannot be told. */
export function estimateFinish(question: EstimateQuestion): KeptEstimate | undefined {
  const { view, job, now, candidateSet, corrections } = question;
  const passedMs = Math.max(0, now - view.takenAt);
  const heldMs = Math.max(0, (question.notBeforeAt ?? now) - now);
  const waitMs = Math.max(heldMs, predictWaitMs(view, job) - passedMs);
  if (waitMs > longestWaitMs) return undefined;
  const serviceMs = view.latencyMs ?? usualServiceMs;
  const { p50, p95 } = correctionOf(corrections, candidateSet, horizonOf(waitMs));
  const finishesInMs = waitMs + serviceMs;
  return {
    p50At: Math.round(now + finishesInMs * p50),
    p95At: Math.round(now + finishesInMs * p95),
    waitMs: Math.round(waitMs),
    serviceMs: Math.round(serviceMs),
  };
}

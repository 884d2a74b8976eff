export { chargedTokens, usualOutputTokens } from "./charged-tokens.ts";
export { type DeadlineTerms, effectiveDeadlineAt } from "./effective-deadline.ts";
export { type Deficits, type Filling, type Flow, fillWindow, type UnfedJob } from "./fair-window.ts";
export { type EstimateQuestion, estimateFinish } from "./forecast/estimate-finish.ts";
export { bandBoundsMs, horizonsMs } from "./forecast/horizons.ts";
export {
  createForecastKeeper,
  type ForecastInput,
  type ForecastKeeper,
  type ForecastTarget,
} from "./forecast/keep-forecast.ts";
export type { ForecastJob } from "./forecast/predict-wait.ts";
export { type SetView, viewSet } from "./forecast/set-view.ts";
export { lanePriority, maxLanePriority } from "./lane-priority.ts";
export { parseDuration } from "./parse-duration.ts";
export {
  createProgressEstimate,
  type Progress,
  type ProgressEstimate,
  type ProgressSample,
} from "./progress-estimate.ts";
export { paceOf, type WindowSize, type WindowTarget, windowSize } from "./window-size.ts";

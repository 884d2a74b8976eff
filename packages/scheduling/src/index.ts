export { chargedTokens, usualOutputTokens } from "./charged-tokens.ts";
export { type DeadlineTerms, effectiveDeadlineAt } from "./effective-deadline.ts";
export { type Deficits, type Filling, type Flow, fillWindow, type UnfedJob } from "./fair-window.ts";
export { lanePriority, maxLanePriority } from "./lane-priority.ts";
export { parseDuration } from "./parse-duration.ts";
export {
  createProgressEstimate,
  type Progress,
  type ProgressEstimate,
  type ProgressSample,
} from "./progress-estimate.ts";
export { type WindowSize, type WindowTarget, windowSize } from "./window-size.ts";

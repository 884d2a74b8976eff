export { chargedTokens, usualOutputTokens } from "./charged-tokens.ts";
export { type DeadlineTerms, effectiveDeadlineAt } from "./effective-deadline.ts";
export { lanePriority, maxLanePriority } from "./lane-priority.ts";
export { parseDuration } from "./parse-duration.ts";
export {
  createProgressEstimate,
  type Progress,
  type ProgressEstimate,
  type ProgressSample,
} from "./progress-estimate.ts";
export { windowSize } from "./window-size.ts";

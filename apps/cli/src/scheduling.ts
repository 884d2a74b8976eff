// By its path, because this app's package.json does not name @sluice/scheduling yet.
export {
  createProgressEstimate,
  type ProgressEstimate,
  parseDuration,
} from "../../../packages/scheduling/src/index.ts";

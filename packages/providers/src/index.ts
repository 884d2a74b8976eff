export {
  type EngineScraper,
  type EngineSettings,
  scrapeEngines,
} from "./engine-metrics/scrape-engines.ts";
export {
  type CheckedProvider,
  checkProviders,
  type HealthCheck,
  type HealthChecker,
} from "./health-checks/check-providers.ts";
export { createModelClient, type ModelClientOptions } from "./model-client.ts";
export { parseRateLimits } from "./parse-rate-limits.ts";
export type { ProviderSettings, Providers } from "./provider-address.ts";
export { replaceTopLevelModel } from "./replace-top-level-model.ts";

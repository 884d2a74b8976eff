export { type ConfigError, formatConfigErrors } from "./config-error.ts";
export type {
  AnthropicProvider,
  Config,
  EngineConfig,
  OpenaiProvider,
  Provider,
  RetentionConfig,
  ServiceLimits,
  SimulatorProvider,
  WebhookConfig,
} from "./config-types.ts";
export { configJsonSchema } from "./json-schema.ts";
export { type LoadOptions, loadConfig } from "./load-config.ts";
export { type Override, overrideText } from "./override-text.ts";
export { type ConfigResult, type ParseOptions, parseConfig } from "./parse-config.ts";
export { parseDuration, parseSize } from "./schema/durations-and-sizes.ts";
export { type ConfigWatch, type WatchFile, type WatchOptions, watchConfig } from "./watch-config.ts";
export type { Environment } from "./yaml/expand-env.ts";

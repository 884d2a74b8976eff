// Logs, metrics, traces and health of one process. Nothing that leaves through here holds a prompt, a result or a secret.

export {
  type Check,
  type CheckResult,
  createHealth,
  type Health,
  type HealthOptions,
  type Readiness,
} from "./create-health.ts";
export { createLogger, type LoggerOptions } from "./create-logger.ts";
export { createMetrics, type MetricsOptions, type MetricsRecorder } from "./create-metrics.ts";
export { type AuthorizeMetrics, type MetricsCaller, mayReadMetrics } from "./may-read-metrics.ts";
export { type MetricLabels, type MetricName, type MetricNameOf, metricTable } from "./metric-table.ts";
export { type HealthServer, type HealthServerOptions, serveHealth } from "./serve-health.ts";
export { type SpanOptions, startTracing, type Tracing, type TracingOptions } from "./start-tracing.ts";
export { withoutPayloads } from "./without-payloads.ts";

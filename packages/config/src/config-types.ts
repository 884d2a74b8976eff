import type { Policy, RoutingConfig, SlaClass, TargetLimits, TenantConfig } from "@sluice/domain";

/** How a GPU engine reports its load beside the OpenAI-compatible API. */
export interface EngineConfig {
  readonly kind: "vllm" | "sglang" | "trtllm" | "triton" | "tgi" | "custom";
  readonly metricsUrl?: string;
  readonly dcgmUrl?: string;
  /** Specs such as `name{label=value}` that come before those of the kind, one for each quantity. */
  readonly metrics?: Readonly<Partial<Record<EngineQuantity, readonly string[]>>>;
}

/** What is read of an engine. */
type EngineQuantity = "waiting" | "running" | "kvCacheUsage" | "gpuUtilisation" | "gpuMemoryUsed";

/** How the health of a provider is checked. */
export interface HealthCheckConfig {
  /** On the provider's host; absent: the list of models. */
  readonly path?: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Passes in a row that bring it back after failures; the very first pass is enough. */
  readonly healthyAfter: number;
  /** Failures in a row that take it out. */
  readonly unhealthyAfter: number;
}

export interface OpenaiProvider {
  readonly name: string;
  readonly kind: "openai";
  /** Without a trailing slash, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** A secret: never logged, left out of the hash. */
  readonly apiKey?: string;
  readonly engine?: EngineConfig;
  readonly healthCheck?: HealthCheckConfig;
}

export interface AnthropicProvider {
  readonly name: string;
  readonly kind: "anthropic";
  /** Without a trailing slash and without `/v1`. */
  readonly baseUrl: string;
  /** A secret: never logged, left out of the hash. */
  readonly apiKey?: string;
  readonly healthCheck?: HealthCheckConfig;
}

/** A modelled upstream; the simulator keeps `limits` strictly. */
export interface SimulatorProvider {
  readonly name: string;
  readonly kind: "simulator";
  /** Time to the first token. */
  readonly ttftMs: number;
  readonly tokensPerSecond: number;
  /** Share of calls answered with an error, 0..1. */
  readonly errorRate: number;
  readonly limits: TargetLimits;
}

/** Where calls go, and with which credential. */
export type Provider = OpenaiProvider | AnthropicProvider | SimulatorProvider;

export interface ServiceLimits {
  readonly batchFileBytes: number;
  readonly batchLines: number;
  readonly batchEmbeddingInputs: number;
  readonly messageBatchBytes: number;
  readonly messageBatchRequests: number;
  readonly jobBodyBytes: number;
  readonly queuedJobs: number;
}

export interface WebhookConfig {
  /** Private networks (CIDR) that webhook URLs may reach. */
  readonly allowNetworks: readonly string[];
  readonly timeoutMs: number;
}

export interface RetentionConfig {
  readonly resultsMs: number;
  readonly filesMs: number;
}

/** The whole effective configuration: defaults filled in, durations in ms, sizes in bytes. */
export interface Config extends RoutingConfig {
  readonly version: 1;
  readonly providers: Readonly<Record<string, Provider>>;
  readonly slaClasses: Readonly<Record<string, SlaClass>>;
  readonly policies: Readonly<Record<string, Policy>>;
  readonly limits: ServiceLimits;
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly webhooks: WebhookConfig;
  readonly retention: RetentionConfig;
}

import {
  builtInPolicies,
  type ModelAlias,
  type Policy,
  type Pool,
  type RoutingRule,
  type SlaClass,
  type Target,
  type TargetLimits,
  type TenantConfig,
} from "@sluice/domain";
import type { Config, EngineConfig, HealthCheckConfig, Provider } from "./config-types.ts";
import { type ModelInput, type PolicyInput, type SlaClassInput, scorerNames } from "./schema/model-schema.ts";
import type { PoolInput, TargetInput } from "./schema/pool-schema.ts";
import type { ProviderInput } from "./schema/provider-schema.ts";
import type { TenantInput } from "./schema/service-schema.ts";
import type { SluiceInput } from "./schema/sluice-schema.ts";

// What the providers of a kind serve when a target does not say.
const endpointsByKind: Readonly<Record<Provider["kind"], readonly string[]>> = {
  openai: ["/v1/chat/completions"],
  anthropic: ["/v1/messages"],
  simulator: [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/moderations",
    "/v1/messages",
  ],
};

const defaultMaxOutputTokens = 16_384;
const defaultCheckTimeoutMs = 5_000;

/** Gives a checked file its effective, typed form. Expects every name in it to exist. */
export function buildConfig(input: SluiceInput): Omit<Config, "hash"> {
  const providers = mapValues(input.providers, buildProvider);
  return {
    version: input.version,
    providers,
    pools: mapValues(input.pools, (pool, name) => buildPool(name, pool, providers)),
    slaClasses: mapValues(input.sla_classes, buildSlaClass),
    models: mapValues(input.models, buildModel),
    policies: buildPolicies(input.policies),
    retry: { maxAttempts: input.retry.max_attempts, baseMs: input.retry.base, maxMs: input.retry.max },
    limits: {
      batchFileBytes: input.limits.batch_file_bytes,
      batchLines: input.limits.batch_lines,
      batchEmbeddingInputs: input.limits.batch_embedding_inputs,
      messageBatchBytes: input.limits.message_batch_bytes,
      messageBatchRequests: input.limits.message_batch_requests,
      jobBodyBytes: input.limits.job_body_bytes,
      queuedJobs: input.limits.queued_jobs,
    },
    tenants: mapValues(
      { default: { weight: 1, limits: {}, tags: [], max_priority: 9 }, ...input.tenants },
      buildTenant,
    ),
    webhooks: { allowNetworks: input.webhooks.allow_networks, timeoutMs: input.webhooks.timeout },
    retention: { resultsMs: input.retention.results, filesMs: input.retention.files },
  };
}

function buildProvider(input: ProviderInput, name: string): Provider {
  switch (input.kind) {
    case "openai": {
      const { kind, base_url: baseUrl, api_key: apiKey, engine, health_check: check } = input;
      const healthCheck = check && buildHealthCheck(check);
      return compact({ name, kind, baseUrl, apiKey, engine: engine && buildEngine(engine), healthCheck });
    }
    case "anthropic": {
      const { kind, base_url: baseUrl, api_key: apiKey, health_check: check } = input;
      return compact({ name, kind, baseUrl, apiKey, healthCheck: check && buildHealthCheck(check) });
    }
    case "simulator": {
      const { kind, ttft_ms: ttftMs, tokens_per_second: tokensPerSecond, error_rate: errorRate } = input;
      return { name, kind, ttftMs, tokensPerSecond, errorRate, limits: buildTargetLimits(input) };
    }
  }
}

type EngineInput = NonNullable<Extract<ProviderInput, { kind: "openai" }>["engine"]>;

function buildEngine({ kind, metrics, metrics_url, dcgm_url }: EngineInput): EngineConfig {
  const specs = (spec: string | undefined) => (spec === undefined ? undefined : [spec]);
  return compact({
    kind,
    metricsUrl: metrics_url,
    dcgmUrl: dcgm_url,
    metrics:
      metrics &&
      compact({
        waiting: specs(metrics.waiting),
        running: specs(metrics.running),
        kvCacheUsage: specs(metrics.kv_cache_usage),
        gpuUtilisation: specs(metrics.gpu_utilisation),
        gpuMemoryUsed: specs(metrics.gpu_memory_used),
      }),
  });
}

type HealthCheckInput = NonNullable<Extract<ProviderInput, { kind: "anthropic" }>["health_check"]>;

function buildHealthCheck(input: HealthCheckInput): HealthCheckConfig {
  return compact({
    path: input.path,
    intervalMs: input.interval,
    timeoutMs: input.timeout ?? Math.min(defaultCheckTimeoutMs, input.interval),
    healthyAfter: input.healthy_after,
    unhealthyAfter: input.unhealthy_after,
  });
}

function buildPool(name: string, input: PoolInput, providers: Config["providers"]): Pool {
  return {
    name,
    targets: input.targets.map((target) => buildTarget(name, target, providers[target.provider])),
  };
}

function buildTarget(pool: string, input: TargetInput, provider: Provider | undefined): Target {
  const {
    id,
    model,
    version,
    weight,
    context_window: contextWindow,
    capabilities,
    region,
    data,
    tags,
    price,
  } = input;
  return compact({
    id,
    pool,
    provider: input.provider,
    model,
    version,
    weight,
    limits: input.limits === undefined ? inheritedLimits(provider) : buildTargetLimits(input.limits),
    price: { input: price.input, cachedInput: price.cached_input ?? price.input, output: price.output },
    contextWindow,
    maxOutputTokens: input.max_output_tokens ?? Math.min(defaultMaxOutputTokens, contextWindow),
    endpoints: input.endpoints ?? endpointsByKind[provider?.kind ?? "openai"],
    capabilities,
    region,
    data: data && compact(data),
    tags,
  });
}

/** Routing has to know what a simulated upstream will refuse. */
function inheritedLimits(provider: Provider | undefined): TargetLimits {
  return provider?.kind === "simulator" ? provider.limits : {};
}

type LimitsInput = Partial<Record<keyof NonNullable<TargetInput["limits"]>, number | undefined>>;

function buildTargetLimits(input: LimitsInput): TargetLimits {
  return compact({
    requestsPerMinute: input.requests_per_minute,
    tokensPerMinute: input.tokens_per_minute,
    inputTokensPerMinute: input.input_tokens_per_minute,
    outputTokensPerMinute: input.output_tokens_per_minute,
    concurrency: input.concurrency,
    tokensPerDay: input.tokens_per_day,
    usdPerDay: input.usd_per_day,
  });
}

function buildSlaClass(input: SlaClassInput, name: string): SlaClass {
  return {
    name,
    deadlineMs: input.deadline,
    onMiss: input.on_miss,
    admission: input.admission,
    onAmbiguous: input.on_ambiguous,
    isDefault: input.default,
  };
}

function buildModel({ pools, fallback, policy, rules }: ModelInput, name: string): ModelAlias {
  return compact({ name, pools, fallback, policy, rules: rules?.map(buildRule) });
}

function buildRule({ when, pools, require }: RuleInput): RoutingRule {
  const data = require?.data && compact(require.data);
  return compact({ when, pools, require: require && compact({ ...require, data }) });
}

function buildPolicies(input: Readonly<Record<string, PolicyInput>>): Config["policies"] {
  return mapValues({ ...builtInPolicies, ...input }, ({ scorers, picker }, name): Policy => {
    const weights: Record<string, number | undefined> = scorers;
    const used = scorerNames.filter((scorer) => (weights[scorer] ?? 0) > 0);
    return {
      name,
      scorers: Object.fromEntries(used.map((scorer) => [scorer, weights[scorer] ?? 0])),
      picker,
    };
  });
}

function buildTenant(input: TenantInput, _name: string): TenantConfig {
  const { limits } = input;
  return {
    weight: input.weight,
    limits: compact({
      requestsPerMinute: limits.requests_per_minute,
      tokensPerMinute: limits.tokens_per_minute,
      concurrency: limits.concurrency,
      enqueuedTokens: limits.enqueued_tokens,
      usdPerDay: limits.usd_per_day,
      usdPerDayPerKey: limits.usd_per_day_per_key,
    }),
    tags: input.tags,
    maxPriority: input.max_priority,
  };
}

type RuleInput = NonNullable<ModelInput["rules"]>[number];

/** No prototype: `config.models[name]` with a client's `constructor` must find nothing. */
function mapValues<In, Out>(record: Readonly<Record<string, In>>, map: (value: In, name: string) => Out) {
  const mapped: Record<string, Out> = Object.create(null);
  for (const [name, value] of Object.entries(record)) mapped[name] = map(value, name);
  return mapped;
}

type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out what is undefined, so that an absent setting is an absent key. */
function compact<T extends object>(value: T): Compact<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Compact<T>;
}

import type { OnAmbiguous, OnMiss } from "./job.ts";

/** What a target or tenant may take; an absent limit is unlimited. */
export interface TargetLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly inputTokensPerMinute?: number;
  readonly outputTokensPerMinute?: number;
  readonly concurrency?: number;
  readonly tokensPerDay?: number;
  readonly usdPerDay?: number;
}

/** USD per million tokens. */
export interface Price {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
}

/** A provider's model with a credential and limits. */
export interface Target {
  readonly id: string;
  readonly pool: string;
  readonly provider: string;
  readonly model: string;
  /** Free text that tells apart the targets of a pool. */
  readonly version?: string;
  readonly weight: number;
  readonly limits: TargetLimits;
  readonly price: Price;
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
  readonly endpoints: readonly string[];
  readonly capabilities: readonly string[];
  readonly region?: string;
  readonly data?: { readonly retention?: string; readonly training?: string };
  readonly tags: readonly string[];
}

export interface Pool {
  readonly name: string;
  readonly targets: readonly Target[];
}

export interface SlaClass {
  readonly name: string;
  /** Counted from acceptance. */
  readonly deadlineMs: number;
  readonly onMiss: OnMiss;
  readonly admission: "flag" | "accept" | "refuse";
  readonly onAmbiguous: OnAmbiguous;
  readonly isDefault: boolean;
}

/** What a rule asks of targets; all of it must hold. */
export interface RuleRequirement {
  readonly region?: string;
  readonly tags?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly data?: { readonly retention?: string; readonly training?: string };
}

/** Changes where a job may go when its expression holds. */
export interface RoutingRule {
  /** A CEL expression over request, tenant, job and signals. */
  readonly when: string;
  /** In place of the alias's pools. */
  readonly pools?: readonly string[];
  readonly require?: RuleRequirement;
}

/** A public model name with the pools that serve it. */
export interface ModelAlias {
  readonly name: string;
  readonly pools: readonly string[];
  /** The first that holds decides. */
  readonly rules?: readonly RoutingRule[];
  /** Tried in order when the pools above cannot serve. */
  readonly fallback: readonly string[];
  readonly policy: string;
}

export interface Policy {
  readonly name: string;
  /** Weight by scorer name. */
  readonly scorers: Readonly<Record<string, number>>;
  readonly picker: string;
}

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The part of the configuration that routing reads. */
export interface RoutingConfig {
  readonly hash: string;
  readonly pools: Readonly<Record<string, Pool>>;
  readonly models: Readonly<Record<string, ModelAlias>>;
  readonly policies: Readonly<Record<string, Policy>>;
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly retry: RetryPolicy;
}

export interface TenantConfig {
  readonly weight: number;
  /** Free labels that rules may read. */
  readonly tags?: readonly string[];
  readonly limits: {
    readonly requestsPerMinute?: number;
    readonly tokensPerMinute?: number;
    readonly concurrency?: number;
    readonly enqueuedTokens?: number;
    readonly usdPerDay?: number;
    /** Of each of its API keys. */
    readonly usdPerDayPerKey?: number;
  };
  readonly maxPriority: number;
  /** Its keys open nothing; only a tenant that was made over the API can be disabled. */
  readonly disabled?: boolean;
}

/** The configuration as the use-cases read it; packages/config produces it. */
export interface EngineConfig extends RoutingConfig {
  readonly slaClasses: Readonly<Record<string, SlaClass>>;
  readonly limits: {
    readonly batchFileBytes: number;
    readonly batchLines: number;
    /** Of all lines of a batch of embeddings together. */
    readonly batchEmbeddingInputs: number;
    readonly jobBodyBytes: number;
    readonly queuedJobs: number;
  };
}

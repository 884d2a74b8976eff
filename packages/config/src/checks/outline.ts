import type { ConfigPath } from "../config-error.ts";

/** A name written somewhere, with where it stands. */
export interface Mention {
  readonly name: string;
  readonly path: ConfigPath;
}

export interface TargetOutline {
  readonly path: ConfigPath;
  readonly id: Mention | undefined;
  readonly provider: Mention | undefined;
  readonly servesNothing: boolean;
  readonly contextWindow: unknown;
  readonly maxOutputTokens: unknown;
  readonly has: Traits;
}

/** What a target has, or a rule requires: values that are no text are left out. */
export interface Traits {
  readonly region: Mention | undefined;
  readonly tags: readonly Mention[];
  readonly capabilities: readonly Mention[];
  readonly retention: Mention | undefined;
  readonly training: Mention | undefined;
}

export interface RuleOutline {
  readonly path: ConfigPath;
  readonly when: Mention | undefined;
  /** `undefined` when the rule leaves the model's pools. */
  readonly pools: readonly Mention[] | undefined;
  readonly requires: Traits;
}

export interface PoolOutline {
  readonly name: string;
  readonly path: ConfigPath;
  readonly targets: readonly TargetOutline[];
}

export interface ModelOutline {
  readonly name: string;
  readonly path: ConfigPath;
  readonly pools: readonly Mention[];
  readonly fallback: readonly Mention[];
  readonly policy: Mention | undefined;
  readonly rules: readonly RuleOutline[];
}

/** The names of a file and what refers to them, read tolerantly so that these checks also run on a faulty file. */
export interface Outline {
  readonly providers: readonly string[];
  readonly pools: readonly PoolOutline[];
  readonly models: readonly ModelOutline[];
  readonly policies: readonly string[];
  readonly slaClasses: readonly { readonly path: ConfigPath; readonly isDefault: boolean }[];
  readonly hasSlaClasses: boolean;
}

/** Reads the outline of a parsed file of any shape. */
export function outlineOf(root: unknown): Outline {
  return {
    providers: entries(root, "providers").map(([name]) => name),
    pools: entries(root, "pools").map(([name, pool]) => outlinePool(name, pool)),
    models: entries(root, "models").map(([name, model]) => outlineModel(name, model)),
    policies: entries(root, "policies").map(([name]) => name),
    slaClasses: entries(root, "sla_classes").map(([name, value]) => ({
      path: ["sla_classes", name],
      isDefault: [true, "true"].includes(field(value, "default") as boolean | string),
    })),
    hasSlaClasses: isRecord(field(root, "sla_classes")),
  };
}

function outlinePool(name: string, pool: unknown): PoolOutline {
  const path = ["pools", name];
  const targets = items(field(pool, "targets")).map((target, index) =>
    outlineTarget(target, [...path, "targets", index]),
  );
  return { name, path, targets };
}

function outlineTarget(target: unknown, path: ConfigPath): TargetOutline {
  const endpoints = field(target, "endpoints");
  return {
    path,
    id: mention(field(target, "id"), [...path, "id"]),
    provider: mention(field(target, "provider"), [...path, "provider"]),
    servesNothing: Array.isArray(endpoints) && endpoints.length === 0,
    contextWindow: field(target, "context_window"),
    maxOutputTokens: field(target, "max_output_tokens"),
    has: outlineTraits(target, path),
  };
}

function outlineModel(name: string, model: unknown): ModelOutline {
  const path = ["models", name];
  return {
    name,
    path,
    pools: mentions(field(model, "pools"), [...path, "pools"]),
    fallback: mentions(field(model, "fallback"), [...path, "fallback"]),
    policy: mention(field(model, "policy"), [...path, "policy"]),
    rules: items(field(model, "rules")).map((rule, index) => outlineRule(rule, [...path, "rules", index])),
  };
}

function outlineRule(rule: unknown, path: ConfigPath): RuleOutline {
  const pools = field(rule, "pools");
  return {
    path,
    when: mention(field(rule, "when"), [...path, "when"]),
    pools: Array.isArray(pools) ? mentions(pools, [...path, "pools"]) : undefined,
    requires: outlineTraits(field(rule, "require"), [...path, "require"]),
  };
}

function outlineTraits(value: unknown, path: ConfigPath): Traits {
  const data = field(value, "data");
  return {
    region: mention(field(value, "region"), [...path, "region"]),
    tags: mentions(field(value, "tags"), [...path, "tags"]),
    capabilities: mentions(field(value, "capabilities"), [...path, "capabilities"]),
    retention: mention(field(data, "retention"), [...path, "data", "retention"]),
    training: mention(field(data, "training"), [...path, "data", "training"]),
  };
}

function mentions(value: unknown, path: ConfigPath): readonly Mention[] {
  return items(value).flatMap((item, index) => mention(item, [...path, index]) ?? []);
}

function mention(value: unknown, path: ConfigPath): Mention | undefined {
  return typeof value === "string" && value !== "" ? { name: value, path } : undefined;
}

function entries(root: unknown, key: string): readonly [string, unknown][] {
  const value = field(root, key);
  return isRecord(value) ? Object.entries(value) : [];
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function field(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

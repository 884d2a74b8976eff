import type { RouteRequest, RoutingConfig, Target, TargetSignals } from "@sluice/domain";
import { noSignals } from "../candidate.ts";
import type { RouteInput } from "../decide-route.ts";

/** For tests: a target of pool `main` that can serve everything. */
export function makeTarget(id: string, changes: Partial<Target> = {}): Target {
  return {
    id,
    pool: "main",
    provider: "sim",
    model: `${id}-model`,
    weight: 1,
    limits: {},
    price: { input: 1, cachedInput: 1, output: 2 },
    contextWindow: 10_000,
    maxOutputTokens: 4_096,
    endpoints: ["/v1/chat/completions"],
    capabilities: [],
    tags: [],
    ...changes,
  };
}

/** For tests: a small chat request for model `auto`. */
export function makeRequest(changes: Partial<RouteRequest> = {}): RouteRequest {
  return {
    jobId: "job_1",
    endpoint: "/v1/chat/completions",
    model: "auto",
    tenant: "default",
    inputTokens: 100,
    maxOutputTokens: 100,
    capabilities: [],
    wishes: {},
    sla: "standard",
    priority: 0,
    metadata: {},
    attempt: 1,
    deadlineAt: 60_000,
    failedTargets: [],
    ...changes,
  };
}

/** For tests: model `auto` over pool `main` with the given targets; those of other pools are its fallbacks. */
export function makeConfig(targets: readonly Target[], changes: Partial<RoutingConfig> = {}): RoutingConfig {
  const names = [...new Set(["main", ...targets.map(({ pool }) => pool)])];
  const pools = names.map((name) => [name, { name, targets: targets.filter(({ pool }) => pool === name) }]);
  const fallback = names.filter((name) => name !== "main");
  return {
    hash: "hash",
    pools: Object.fromEntries(pools),
    models: { auto: { name: "auto", pools: ["main"], fallback, policy: "balanced" } },
    policies: {},
    tenants: {},
    retry: { maxAttempts: 5, baseMs: 500, maxMs: 60_000 },
    ...changes,
  };
}

/** For tests: signals of an idle target, changed. */
export function makeSignals(changes: Partial<TargetSignals> = {}): TargetSignals {
  return { ...noSignals, ...changes };
}

/** For tests: one decision over these targets at moment 1000. */
export function makeInput(targets: readonly Target[], changes: Partial<RouteInput> = {}): RouteInput {
  return {
    request: makeRequest(),
    config: makeConfig(targets),
    signals: {},
    now: 1_000,
    random: 0.5,
    ...changes,
  };
}

import type { Policy } from "./config-types.ts";

/** The policy of a model that names none. */
export const defaultPolicy = "balanced";

function policy(name: string, scorers: Policy["scorers"], picker = "best"): readonly [string, Policy] {
  return [name, { name, scorers, picker }];
}

/** Policies that exist in every configuration, which may define them anew. */
export const builtInPolicies: Readonly<Record<string, Policy>> = Object.fromEntries([
  policy(defaultPolicy, { cost: 2, headroom: 2, latency: 1, backlog: 1, "engine-load": 2 }),
  policy("cheapest", { cost: 1 }),
  policy("fastest", { latency: 1 }),
  policy("least-loaded", { backlog: 1, headroom: 1 }),
  policy("weighted", {}, "weighted"),
  policy("round-robin", {}, "round-robin"),
  policy("priority", {}, "in-order"),
  policy("sticky", { stickiness: 1 }),
]);

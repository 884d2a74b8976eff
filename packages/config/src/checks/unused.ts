import type { Check } from "./check.ts";
import type { ModelOutline } from "./outline.ts";

/** Warns of pools that no alias reaches, of providers that no target uses, and of fallbacks that add nothing. */
export const warnOfUnused: Check = (outline) => {
  const reached = new Set(outline.models.flatMap(poolsOf).map(({ name }) => name));
  const used = new Set(outline.pools.flatMap((pool) => pool.targets).map((target) => target.provider?.name));
  return [
    ...outline.pools
      .filter((pool) => !reached.has(pool.name))
      .map((pool) => ({
        path: pool.path,
        says: "is reached by no model: name it in the pools of one, or remove it",
        at: "key" as const,
      })),
    ...outline.providers
      .filter((provider) => !used.has(provider))
      .map((provider) => ({
        path: ["providers", provider],
        says: "is used by no target: name it in one, or remove it",
        at: "key" as const,
      })),
    ...outline.models.flatMap((model) =>
      idleFallbacks(model).map(({ path }) => ({
        path,
        says: "adds nothing, because it is among the model's pools: remove it, or name another pool",
        at: "value" as const,
      })),
    ),
  ];
};

function poolsOf({ pools, rules, fallback }: ModelOutline) {
  return [...pools, ...rules.flatMap((rule) => rule.pools ?? []), ...fallback];
}

/** With rules that replace the pools, a fallback may well be one of them. */
function idleFallbacks({ pools, rules, fallback }: ModelOutline) {
  if (rules.some((rule) => rule.pools !== undefined)) return [];
  return fallback.filter(({ name }) => pools.some((pool) => pool.name === name));
}

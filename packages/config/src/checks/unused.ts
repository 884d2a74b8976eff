import type { Check } from "./check.ts";

/** Warns of pools that no alias reaches and of providers that no target uses. */
export const warnOfUnused: Check = (outline) => {
  const reached = new Set(
    outline.models.flatMap((model) => [...model.pools, ...model.fallback]).map(({ name }) => name),
  );
  const used = new Set(outline.pools.flatMap((pool) => pool.targets).map((target) => target.provider?.name));
  return [
    ...outline.pools
      .filter((pool) => !reached.has(pool.name))
      .map((pool) => ({ path: pool.path, says: "is reached by no model", at: "key" as const })),
    ...outline.providers
      .filter((provider) => !used.has(provider))
      .map((provider) => ({
        path: ["providers", provider],
        says: "is used by no target",
        at: "key" as const,
      })),
  ];
};

import { formatPath } from "../config-error.ts";
import type { Check } from "./check.ts";

/** An answer fits into its context window, and every alias has a target that serves some endpoint. */
export const checkTargetSense: Check = (outline) => {
  const targets = outline.pools.flatMap((pool) => pool.targets);
  const tooLong = targets.filter(
    ({ maxOutputTokens, contextWindow }) =>
      typeof maxOutputTokens === "number" &&
      typeof contextWindow === "number" &&
      maxOutputTokens > contextWindow,
  );
  const silentPools = outline.pools.filter((pool) => pool.targets.every((target) => target.servesNothing));
  const silent = new Set(silentPools.filter((pool) => pool.targets.length > 0).map((pool) => pool.name));
  const unserved = outline.models.filter(
    (model) =>
      model.pools.length > 0 && [...model.pools, ...model.fallback].every((pool) => silent.has(pool.name)),
  );
  return [
    ...tooLong.map(({ path, maxOutputTokens, contextWindow }) => ({
      path: [...path, "max_output_tokens"],
      says: `must not exceed ${formatPath([...path, "context_window"])} (${contextWindow}), got ${maxOutputTokens}`,
      at: "value" as const,
    })),
    ...unserved.map((model) => ({
      path: model.path,
      says: "has no target that serves any endpoint: name endpoints in a target of its pools",
      at: "key" as const,
    })),
  ];
};

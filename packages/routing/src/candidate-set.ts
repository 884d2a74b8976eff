import { createHash } from "node:crypto";
import type { RouteRequest, RoutingConfig, Target } from "@sluice/domain";
import { applyRules, reachablePools, readsSignals } from "./apply-rules.ts";
import { noSignals } from "./candidate.ts";
import { staticFilters } from "./filters/index.ts";

/**
 * The targets that can serve a request as far as neither time nor load has a say: those of the first of its pools and
 * fallbacks that the static filters leave any of. A model whose rules read signals may use all its pools.
 */
export function candidateTargets(
  request: RouteRequest,
  config: RoutingConfig,
  now: number,
): readonly Target[] {
  const alias = config.models[request.model];
  if (alias === undefined) return [];
  const applied = readsSignals(alias)
    ? { poolGroups: [reachablePools(alias)], require: undefined }
    : applyRules({ alias, request, config, signals: {}, now });
  const context = { request, now, require: applied.require };
  const serves = (target: Target) =>
    staticFilters.every((filter) => filter.reject({ target, signals: noSignals }, context) === undefined);
  for (const pools of applied.poolGroups) {
    const targets = pools.flatMap((pool) => config.pools[pool]?.targets ?? []).filter(serves);
    if (targets.length > 0) return targets;
  }
  return [];
}

/**
 * A short name of a set of targets: equal for equal sets, whatever the model, pool or order they come by. Jobs whose
 * calls are held against budgets (by their keys) share a set only with those of the same budgets.
 */
export function candidateSetId(
  targets: readonly Pick<Target, "id">[],
  budgets: readonly string[] = [],
): string {
  if (targets.length === 0) return "";
  const ids = [...new Set(targets.map(({ id }) => id))].sort();
  const name = [...ids, ...budgets.map((key) => `\n${key}`)].join("\n");
  return createHash("sha256").update(name).digest("base64url").slice(0, 12);
}

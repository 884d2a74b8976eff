import { mayServe } from "@sluice/dialects";
import type { Pool, Target } from "@sluice/domain";
import type { Finding } from "../config-error.ts";
import type { Config } from "../config-types.ts";

/** Warns of a rule that leaves no target for an endpoint which its model serves otherwise: such jobs would die. */
export function warnOfLostEndpoints({ models, pools }: Config): readonly Finding[] {
  return Object.values(models).flatMap(({ name, pools: own, fallback, rules = [] }) => {
    const served = endpointsOf(targetsOf(pools, [...own, ...fallback]));
    return rules.flatMap((rule, index): Finding[] => {
      const left = endpointsOf(targetsOf(pools, [...(rule.pools ?? own), ...fallback]));
      const lost = served.filter((endpoint) => !mayServe(left, endpoint));
      if (lost.length === 0) return [];
      const says = `leaves no target for ${lost.join(", ")}, which the model serves without it: such jobs will die; add a pool or a fallback that serves it`;
      return [{ path: ["models", name, "rules", index], says, at: "value" }];
    });
  });
}

function targetsOf(pools: Readonly<Record<string, Pool>>, names: readonly string[]): readonly Target[] {
  return names.flatMap((name) => pools[name]?.targets ?? []);
}

function endpointsOf(targets: readonly Target[]): readonly string[] {
  return [...new Set(targets.flatMap(({ endpoints }) => endpoints))];
}

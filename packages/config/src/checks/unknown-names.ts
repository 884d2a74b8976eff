import { builtInPolicies } from "@sluice/domain";
import type { Finding } from "../config-error.ts";
import { suggestName } from "../messages/nearest-name.ts";
import type { Check, Show } from "./check.ts";
import type { Mention } from "./outline.ts";

/** Every provider, pool and policy that something names must exist. */
export const checkUnknownNames: Check = (outline, show) => {
  const pools = outline.pools.map((pool) => pool.name);
  const policies = [...new Set([...Object.keys(builtInPolicies), ...outline.policies])];
  const mentions = [
    ...outline.pools
      .flatMap((pool) => pool.targets)
      .map((target) => of("provider", outline.providers, target.provider)),
    ...outline.models.flatMap((model) => [
      ...model.pools.map((pool) => of("pool", pools, pool)),
      ...model.rules.flatMap((rule) => rule.pools ?? []).map((pool) => of("pool", pools, pool)),
      ...model.fallback.map((pool) => of("pool", pools, pool)),
      of("policy", policies, model.policy),
    ]),
  ];
  return mentions.flatMap((reference) => unknownName(reference, show));
};

interface Reference {
  readonly kind: string;
  readonly known: readonly string[];
  readonly mention: Mention | undefined;
}

function of(kind: string, known: readonly string[], mention: Mention | undefined): Reference {
  return { kind, known, mention };
}

function unknownName({ kind, known, mention }: Reference, show: Show): readonly Finding[] {
  if (mention === undefined || known.includes(mention.name)) return [];
  const { name, path } = mention;
  const says = `names an unknown ${kind}, got ${show(path, name)}${suggestName(name, known)}`;
  return [{ path, says, at: "value" }];
}

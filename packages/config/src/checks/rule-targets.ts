import type { Finding } from "../config-error.ts";
import type { Check, Show } from "./check.ts";
import type { Mention, ModelOutline, Outline, RuleOutline, TargetOutline, Traits } from "./outline.ts";

/** Warns of a rule that requires what no target it leaves has: every job that it matches will die. */
export const warnOfUnmetRules: Check = (outline, show) =>
  outline.models.flatMap((model) =>
    model.rules.flatMap((rule) => unmet(rule, targetsOf(rule, model, outline), show)),
  );

interface Demand {
  readonly mention: Mention;
  readonly kind: string;
  /** The values that a target has of this kind. */
  readonly of: (has: Traits) => readonly string[];
  readonly isMet: (has: Traits) => boolean;
}

function unmet(
  { path, requires }: RuleOutline,
  targets: readonly TargetOutline[],
  show: Show,
): readonly Finding[] {
  if (targets.length === 0) return [];
  const demands = demandsOf(requires);
  const alone = demands.filter(({ isMet }) => !targets.some(({ has }) => isMet(has)));
  if (alone.length > 0) return alone.map((demand) => unmetAlone(demand, targets, show));
  if (demands.length === 0 || targets.some(({ has }) => demands.every(({ isMet }) => isMet(has)))) return [];
  const says =
    "asks for what no single target of its pools has together: such jobs will die; split the rule or complete a target";
  return [{ path: [...path, "require"], says, at: "value" }];
}

function unmetAlone({ mention, kind, of }: Demand, targets: readonly TargetOutline[], show: Show): Finding {
  const { name, path } = mention;
  const known = [...new Set(targets.flatMap(({ has }) => of(has)))];
  const there = known.length === 0 ? "they state none" : `they have ${known.join(", ")}`;
  const says = `requires ${kind} ${show(path, name)}, which no target of its pools has (${there}): such jobs will die; state it in a target or change the rule`;
  return { path, says, at: "value" };
}

function demandsOf({ region, tags, capabilities, retention, training }: Traits): readonly Demand[] {
  const names = (mentions: readonly (Mention | undefined)[]) =>
    mentions.flatMap((mention) => mention?.name ?? []);
  const demand = (kind: string, mention: Mention, of: Demand["of"]): Demand => ({
    ...{ kind, mention, of },
    isMet: (has) => of(has).includes(mention.name),
  });
  return [
    ...optional(region, (mention) => demand("region", mention, (has) => names([has.region]))),
    ...tags.map((mention) => demand("tag", mention, (has) => names(has.tags))),
    ...capabilities.map((mention) => demand("capability", mention, (has) => names(has.capabilities))),
    ...optional(retention, (mention) => ({
      ...demand("retention", mention, (has) => names([has.retention])),
      // Keeping nothing meets every retention.
      isMet: (has) => has.retention?.name === mention.name || has.retention?.name === "none",
    })),
    ...optional(training, (mention) => demand("training", mention, (has) => names([has.training]))),
  ];
}

function optional(mention: Mention | undefined, make: (mention: Mention) => Demand): readonly Demand[] {
  return mention === undefined ? [] : [make(mention)];
}

function targetsOf(rule: RuleOutline, model: ModelOutline, outline: Outline): readonly TargetOutline[] {
  const names = new Set([...(rule.pools ?? model.pools), ...model.fallback].map(({ name }) => name));
  return outline.pools.filter((pool) => names.has(pool.name)).flatMap((pool) => pool.targets);
}

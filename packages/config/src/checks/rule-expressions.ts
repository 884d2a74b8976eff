import { compileExpression } from "@sluice/rules";
import { type Finding, formatPath } from "../config-error.ts";
import { suggestName } from "../messages/nearest-name.ts";
import type { Check } from "./check.ts";
import type { ModelOutline, Outline, RuleOutline } from "./outline.ts";

/** Every rule can be evaluated, can match, and names targets that its model can reach. */
export const checkRuleExpressions: Check = (outline) =>
  outline.models.flatMap((model) => [
    ...model.rules.flatMap((rule) => checkExpression(rule, model, outline)),
    ...unreachableRules(model),
  ]);

function checkExpression(rule: RuleOutline, model: ModelOutline, outline: Outline): readonly Finding[] {
  if (rule.when === undefined) return [];
  const { name: text, path } = rule.when;
  const compiled = compileExpression(text);
  if (!compiled.ok) {
    const says = `is no usable CEL expression: ${compiled.problem} (character ${compiled.at + 1}); it may read request, tenant, job and signals`;
    return [{ path, says, at: "value" }];
  }
  const { constant, namedTargets } = compiled.expression;
  if (constant === false)
    return [{ path, says: "never matches: remove the rule or change when", at: "value" }];
  const known = targetIds(model, outline);
  return namedTargets
    .filter(({ id }) => !known.includes(id))
    .map(({ id }) => ({
      path,
      says: `reads signals of ${JSON.stringify(id)}, which is no target of the model's pools${suggestName(id, known)}`,
      at: "value",
    }));
}

/** A rule after one that always matches, or after one that says the same. */
function unreachableRules({ rules }: ModelOutline): readonly Finding[] {
  const seen = new Map<string, RuleOutline>();
  let always: RuleOutline | undefined;
  const findings: Finding[] = [];
  for (const rule of rules) {
    if (rule.when === undefined) continue;
    const text = rule.when.name.trim();
    const same = seen.get(text);
    const { path } = rule.when;
    if (always !== undefined) {
      const says = `can never match, because ${formatPath(always.path)} always does: move it before that one or remove it`;
      findings.push({ path, says, at: "value" });
    } else if (same !== undefined) {
      const says = `can never match, because ${formatPath(same.path)} says the same: join the two or remove one`;
      findings.push({ path, says, at: "value" });
    }
    seen.set(text, same ?? rule);
    const compiled = compileExpression(text);
    if (compiled.ok && compiled.expression.constant === true) always ??= rule;
  }
  return findings;
}

function targetIds(model: ModelOutline, outline: Outline): string[] {
  const pools = [...model.pools, ...model.rules.flatMap((rule) => rule.pools ?? []), ...model.fallback];
  const names = new Set(pools.map(({ name }) => name));
  return outline.pools
    .filter((pool) => names.has(pool.name))
    .flatMap((pool) => pool.targets.flatMap((target) => target.id?.name ?? []));
}

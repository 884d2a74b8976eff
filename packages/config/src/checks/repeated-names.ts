import { type ConfigPath, type Finding, formatPath } from "../config-error.ts";
import type { Check, Show } from "./check.ts";
import type { Mention } from "./outline.ts";

/** Target ids are unique in the file; no list names a pool twice. */
export const checkRepeatedNames: Check = (outline, show) => [
  ...repeats(
    outline.pools.flatMap((pool) => pool.targets).flatMap((target) => target.id ?? []),
    show,
  ),
  ...outline.models.flatMap((model) => repeats(model.pools, show)),
  ...outline.models.flatMap((model) => repeats(model.fallback, show)),
  ...outline.models.flatMap((model) => model.rules).flatMap((rule) => repeats(rule.pools ?? [], show)),
];

function repeats(mentions: readonly Mention[], show: Show): readonly Finding[] {
  const first = new Map<string, ConfigPath>();
  const findings: Finding[] = [];
  for (const { name, path } of mentions) {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, path);
    else findings.push({ path, says: `repeats ${show(path, name)} of ${formatPath(earlier)}`, at: "value" });
  }
  return findings;
}

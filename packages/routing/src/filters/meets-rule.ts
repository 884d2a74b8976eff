import type { RuleRequirement, Target } from "@sluice/domain";
import type { Filter } from "./filter.ts";

/** What the rule that matched requires; what a target does not state it does not have. */
export const meetsRule: Filter = {
  name: "meets-rule",
  reject: ({ target }, { require }) => (require === undefined ? undefined : firstUnmet(target, require)),
};

function firstUnmet(
  target: Target,
  { region, tags, capabilities, data }: RuleRequirement,
): string | undefined {
  if (region !== undefined && target.region !== region)
    return `is in ${target.region ?? "no stated region"}, the rule requires ${region}`;
  const tag = tags?.find((wanted) => !target.tags.includes(wanted));
  if (tag !== undefined) return `has no tag ${tag}, which the rule requires`;
  const capability = capabilities?.find((wanted) => !target.capabilities.includes(wanted));
  if (capability !== undefined) return `does not state ${capability}, which the rule requires`;
  return unmetData(target, data);
}

/** Keeping nothing meets every retention. */
function unmetData({ data }: Target, required: RuleRequirement["data"]): string | undefined {
  const { retention, training } = required ?? {};
  if (retention !== undefined && data?.retention !== retention && data?.retention !== "none")
    return `keeps data for ${data?.retention ?? "no stated time"}, the rule requires ${retention}`;
  if (training !== undefined && data?.training !== training)
    return `states training ${data?.training ?? "nowhere"}, the rule requires ${training}`;
  return undefined;
}

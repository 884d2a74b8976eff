import type { RouteView } from "../api/views.ts";
import { duration, table } from "../format.ts";

/** A decision as a table of its candidates with the reason for each. */
export function showRoute(decision: RouteView): string {
  const parts = [table(headOf(decision)), candidatesOf(decision)];
  if (decision.rules.length > 0) parts.push(table([["RULE", ""], ...decision.rules.map(ruleRow)]));
  return parts.join("\n\n");
}

function headOf(decision: RouteView): string[][] {
  const { job_id, model, chosen, policy, picker, propensity, attempt, decided_at, config_hash } = decision;
  const avoided = decision.failed_targets.join(", ");
  return [
    ...(job_id === undefined ? [] : [["job", job_id]]),
    ["model", model],
    [decision.dry_run ? "would go to" : "went to", chosen ?? "no target"],
    ["policy", `${policy}, picked by ${picker}, propensity ${number(propensity)}`],
    ...(attempt === null ? [] : [["attempt", String(attempt)]]),
    ...(avoided === "" ? [] : [["failed before", avoided]]),
    ["decided", decided_at],
    ["configuration", config_hash.slice(0, 12)],
  ];
}

function candidatesOf({ candidates, order, chosen, held_back = [] }: RouteView): string {
  const rows = candidates.map(({ target, pool, version, dropped, translated_to, scores, total, share }) => {
    const rank = order.indexOf(target);
    const held = held_back.find((entry) => entry.target === target);
    const points = [
      ...(translated_to === undefined ? [] : [`translated to ${translated_to}`]),
      ...(share === undefined ? [] : [`${number(100 * share)} % by weight`]),
      ...Object.entries(scores ?? {}).map(([name, score]) => `${name} ${number(score)}`),
    ];
    const why =
      dropped !== undefined
        ? `dropped by ${dropped.filter}: ${dropped.reason}`
        : held !== undefined
          ? `had no room: ${held.limit}, for ${duration(held.wait_ms)}`
          : points.join(", ");
    const place = target === chosen ? "*" : rank === -1 ? "" : String(rank + 1);
    const name = version === undefined ? target : `${target} (${version})`;
    return [place, name, pool, total === undefined ? "" : number(total), why];
  });
  return rows.length === 0
    ? "no target was looked at: the model is not configured"
    : table([["", "TARGET", "POOL", "TOTAL", "WHY"], ...rows]);
}

function ruleRow({ index, matched, error }: RouteView["rules"][number]): string[] {
  const verdict = matched
    ? "matched"
    : error === undefined
      ? "did not match"
      : `could not be evaluated: ${error}`;
  return [String(index), verdict];
}

function number(value: number): string {
  return String(Number(value.toFixed(3)));
}

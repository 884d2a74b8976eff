import { median } from "./measure/quantile.ts";
import type { Measures } from "./measure/snapshot.ts";
import { type Metric, metrics } from "./metrics.ts";
import type { System } from "./systems/system.ts";

/** The measures of every round, by system. */
export type Rounds = Readonly<Record<System["name"], readonly Measures[]>>;

/** The medians of the rounds as a Markdown table with ratios; rows that nobody measured are left out. */
export function renderTable(rounds: Rounds): string {
  const rows = metrics.flatMap((metric) => {
    const sluice = medianOf(rounds.sluice, metric.key);
    const baseline = medianOf(rounds.baseline, metric.against ?? metric.key);
    if (Number.isNaN(sluice) && (Number.isNaN(baseline) || metric.against !== undefined)) return [];
    return [[label(metric), show(baseline), show(sluice), ratio(sluice, baseline), metric.aim ?? ""]];
  });
  const table = [
    ["", "baseline", "Sluice", "ratio", "aim"],
    ["---", "---:", "---:", "---:", "---:"],
    ...rows,
  ];
  return table.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Median of one measure over the rounds that have it; NaN when none has. */
function medianOf(rounds: readonly Measures[], key: string): number {
  return median(rounds.flatMap((round) => (round[key] === undefined ? [] : [round[key]])));
}

function label({ label: text, unit }: Metric): string {
  return unit === "" ? text : `${text} (${unit})`;
}

function show(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3);
}

function ratio(sluice: number, baseline: number): string {
  const value = sluice / baseline;
  return Number.isFinite(value) ? `${value.toFixed(2)}×` : "–";
}

import type { Config } from "@sluice/config";
import type { RunLog } from "../log.ts";
import type { Report } from "../report/report.ts";
import { drawChart, escapeHtml, legend } from "./chart.ts";
import { lateness, queueDepths, refusals, type Series, utilisation } from "./series.ts";
import { style } from "./style.ts";
import { reportTable } from "./tables.ts";

/** What a page is made of. */
export interface Page {
  readonly config: Config;
  readonly report: Report;
  readonly logs: readonly RunLog[];
  /** How it was asked for. */
  readonly command: string;
}

/** The report as one page of its own: no script, nothing is fetched. */
export function renderHtml({ config, report, logs, command }: Page): string {
  const classes = [...new Set(logs.flatMap(({ jobs }) => jobs.map((job) => job.sla)))];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Simulation, seed ${report.seed}</title><style>${style}</style></head><body><main>
<h1>Simulation</h1>
<p><code>${escapeHtml(command)}</code></p>
<p class="dim">Seed ${report.seed}, configuration <code>${escapeHtml(report.config_hash.slice(0, 12))}</code>.</p>
${reportTable(report.runs)}
${chartRow(logs, (log) => queueDepths(log, classes), {
  title: "Jobs waiting",
  says: "Jobs that have not ended and do not run, by class.",
})}
${chartRow(logs, (log) => utilisation(log, config), {
  title: "Limits in use",
  says: "Per cent of each target's limit that the minute before has taken.",
  atLeast: 100,
})}
${chartRow(logs, (log) => refusals(log, config), {
  title: "Calls answered 429",
  says: "In the minute before, by target.",
})}
${chartRow(logs, (log) => lateness(log, classes), {
  title: "Lateness",
  says: "Per cent of the time to its deadline that a job had taken when it ended (95th percentile by class); above the line is late.",
  atLeast: 100,
  mark: 100,
})}
</main></body></html>
`;
}

interface RowText {
  readonly title: string;
  readonly says: string;
  /** The axis reaches at least to this value. */
  readonly atLeast?: number;
  readonly mark?: number;
}

/** The same chart for each scheduler, on one scale; empty when there is nothing to draw. */
function chartRow(logs: readonly RunLog[], seriesOf: (log: RunLog) => Series[], text: RowText): string {
  const drawn = logs.map((log) => ({ name: log.scheduler, series: seriesOf(log) }));
  const names = drawn[0]?.series.map(({ name }) => name) ?? [];
  if (names.length === 0) return "";
  const values = drawn.flatMap(({ series }) => series.flatMap(({ points }) => points));
  const axes = {
    most: values.reduce((most, { value }) => Math.max(most, value), text.atLeast ?? 1),
    untilMs: logs.reduce((latest, { endedAt }) => Math.max(latest, endedAt), 1),
    ...(text.mark === undefined ? {} : { mark: text.mark }),
  };
  const figures = drawn.map(({ name, series }) => drawChart(name, series, axes));
  return `<h2>${escapeHtml(text.title)}</h2><p class="dim">${escapeHtml(text.says)}</p>${legend(names)}<div class="row">${figures.join("")}</div>`;
}

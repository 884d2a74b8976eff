import type { Config } from "@sluice/config";
import type { RunLog } from "../log.ts";
import type { Report, RunReport } from "../report/report.ts";
import { drawChart, escapeHtml } from "./chart.ts";
import { lateness, queueDepths, type Series, utilisation } from "./series.ts";

/** What a page is made of. */
export interface Page {
  readonly config: Config;
  readonly report: Report;
  readonly logs: readonly RunLog[];
}

/** The report as one page of its own: no script, nothing is fetched. */
export function renderHtml({ config, report, logs }: Page): string {
  const until = Math.max(...logs.map(({ endedAt }) => endedAt));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Simulation, seed ${report.seed}</title><style>${style}</style></head><body><main>
<h1>Simulation</h1>
<p>Seed ${report.seed}, configuration <code>${escapeHtml(report.config_hash.slice(0, 12))}</code>, ${until === 0 ? 0 : (until / 60_000).toFixed(1)} simulated minutes.</p>
${summary(report.runs)}
${byClass(report.runs)}
${charts("Jobs waiting", "jobs", logs, queueDepths, { until })}
${charts("Limits in use", "% of the limit", logs, (log) => utilisation(config, log), { until, scale: 100, atLeast: 1 })}
${charts("Lateness", "s after the deadline, 95th percentile, below 0 in time,", logs, lateness, { until })}
</main></body></html>
`;
}

function summary(runs: readonly RunReport[]): string {
  const rows: readonly (readonly [string, (run: RunReport) => string])[] = [
    ["Jobs", (run) => count(run.jobs)],
    ["Succeeded", (run) => count(run.succeeded)],
    ["Expired", (run) => count(run.expired)],
    ["Dead", (run) => count(run.dead)],
    ["Calls", (run) => count(run.calls)],
    ["Answered 429", (run) => count(run.throttled)],
    ["Spend", (run) => `$${run.spend_usd.toFixed(2)}`],
    ["Done after", (run) => `${(run.makespan_ms / 60_000).toFixed(1)} min`],
    [
      "Estimates kept, p50 / p95",
      (run) => `${percent(run.eta.p50_coverage)} / ${percent(run.eta.p95_coverage)}`,
    ],
  ];
  return table(runs, rows);
}

function byClass(runs: readonly RunReport[]): string {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.classes)))];
  const rows = names.flatMap((name) => [
    [`${name}: in time`, (run: RunReport) => percent(run.classes[name]?.attained)] as const,
    [`${name}: wait p95`, (run: RunReport) => seconds(run.classes[name]?.wait_ms.p95)] as const,
  ]);
  return table(runs, rows);
}

function table(
  runs: readonly RunReport[],
  rows: readonly (readonly [string, (run: RunReport) => string])[],
): string {
  const head = runs.map((run) => `<th>${run.scheduler}</th>`).join("");
  const body = rows.map(
    ([label, cell]) =>
      `<tr><th>${escapeHtml(label)}</th>${runs.map((run) => `<td>${escapeHtml(cell(run))}</td>`).join("")}</tr>`,
  );
  return `<table><thead><tr><th></th>${head}</tr></thead><tbody>${body.join("\n")}</tbody></table>`;
}

interface Scale {
  readonly until: number;
  readonly scale?: number;
  readonly atLeast?: number;
}

/** The same chart for each scheduler, on one scale. */
function charts(
  title: string,
  unit: string,
  logs: readonly RunLog[],
  seriesOf: (log: RunLog) => Series[],
  { until, scale = 1, atLeast = 1 }: Scale,
): string {
  const drawn = logs.map((log) => ({ name: log.scheduler, series: seriesOf(log) }));
  const values = drawn.flatMap(({ series }) =>
    series.flatMap(({ points }) => points.map(({ value }) => value)),
  );
  const most = values.reduce((max, value) => Math.max(max, value), atLeast);
  const least = values.reduce((min, value) => Math.min(min, value), 0);
  const figures = drawn.map(({ name, series }) =>
    drawChart({ title: name, series, unit, scale, most, least, until }),
  );
  return `<h2>${escapeHtml(title)}</h2><div class="row">${figures.join("")}</div>`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "–" : `${(share * 100).toFixed(1)} %`;
}

function seconds(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "–" : `${(ms / 1000).toFixed(1)} s`;
}

const style = `
:root{color-scheme:light dark;--ink:light-dark(#1d2433,#e6e9f0);--dim:light-dark(#667085,#98a2b3);--line:light-dark(#e4e7ec,#344054);--back:light-dark(#fff,#101828);
--c0:light-dark(#2563eb,#84adff);--c1:light-dark(#dc6803,#fdb022);--c2:light-dark(#067647,#47cd89);--c3:light-dark(#b42318,#f97066);--c4:light-dark(#6941c6,#b692f6);--c5:light-dark(#475467,#d0d5dd)}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1360px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:32px 0 8px}
table{border-collapse:collapse;margin:16px 32px 0 0;display:inline-table;vertical-align:top}
th,td{padding:4px 14px 4px 0;text-align:right;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
th:first-child{text-align:left;font-weight:500}thead th{color:var(--dim);font-weight:600}
.row{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0;flex:1 1 380px;max-width:520px}
figcaption{font-weight:600}small{color:var(--dim);font-weight:400}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--dim)}
.grid{stroke:var(--line)}.zero{stroke:var(--dim);stroke-dasharray:4 3}polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}
.legend{margin:2px 0 0;display:flex;flex-wrap:wrap;gap:4px 14px;color:var(--dim);font-size:13px}.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
${[0, 1, 2, 3, 4, 5].map((n) => `.s${n}{stroke:var(--c${n})}.k${n}{background:var(--c${n})}`).join("")}`;

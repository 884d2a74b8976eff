import type { Coverage, RunReport } from "../report/report.ts";
import { escapeHtml } from "./chart.ts";

type Cell = (run: RunReport) => string;
type Row = readonly [label: string, cell: Cell];

/** Everything the report says, a column for each scheduler. */
export function reportTable(runs: readonly RunReport[]): string {
  const head = runs.map((run) => `<th scope="col">${run.scheduler}</th>`).join("");
  const groups = [
    group(runs, "All jobs", totals),
    ...namesOf(runs, "classes").map((name) => group(runs, `Class ${name}`, classRows(name))),
    ...namesOf(runs, "utilisation").map((name) =>
      group(runs, `Target ${name}, share used of`, targetRows(name)),
    ),
    group(runs, "Tenants", [
      ...namesOf(runs, "tenants").map(
        (name): Row => [`${name}: tokens`, (run) => count(run.tenants[name]?.tokens)],
      ),
      ["Least Jain's index of a minute", jainText],
    ]),
  ];
  return `<div class="wide"><table><thead><tr><th></th>${head}</tr></thead>${groups.join("\n")}</table></div>`;
}

const totals: readonly Row[] = [
  ["Jobs", (run) => count(run.jobs)],
  ["Succeeded", (run) => count(run.succeeded)],
  ["Expired", (run) => count(run.expired)],
  ["Dead", (run) => count(run.dead)],
  ["Calls", (run) => count(run.calls)],
  ["Answered 429", (run) => count(run.throttled)],
  ["Spend", (run) => `$${run.spend_usd.toFixed(2)}`],
  ["Done after", (run) => time(run.makespan_ms)],
  ["Finished by p50 / p95 estimate", ({ eta }) => kept(eta)],
  ["From p50 to p95 / if one told all the same", ({ eta }) => width(eta)],
];

function kept(eta: Coverage | undefined): string {
  return `${percent(eta?.p50_coverage)} / ${percent(eta?.p95_coverage)}`;
}

function width(eta: Coverage | undefined): string {
  return `${time(eta?.width_ms)} / ${time(eta?.constant_width_ms)}`;
}

function classRows(name: string): readonly Row[] {
  return [
    ["Jobs", (run) => count(run.classes[name]?.jobs)],
    ["In time", (run) => percent(run.classes[name]?.attained)],
    [
      "Wait p50 / p95 / p99",
      ({ classes }) => {
        const wait = classes[name]?.wait_ms;
        return [wait?.p50, wait?.p95, wait?.p99].map(time).join(" / ");
      },
    ],
    ["Finished by p50 / p95 estimate", ({ classes }) => kept(classes[name]?.eta)],
    ["From p50 to p95 / if one told all the same", ({ classes }) => width(classes[name]?.eta)],
  ];
}

function targetRows(name: string): readonly Row[] {
  return [
    ["requests a minute", (run) => percent(run.utilisation[name]?.requests)],
    ["tokens a minute", (run) => percent(run.utilisation[name]?.tokens)],
    ["places", (run) => percent(run.utilisation[name]?.concurrency)],
  ];
}

function jainText({ tenants }: RunReport): string {
  const jain = Object.values(tenants)[0]?.jain_window;
  return jain === null || jain === undefined ? "–" : jain.toFixed(3);
}

/** Rows that say nothing of any run are left out. */
function group(runs: readonly RunReport[], title: string, rows: readonly Row[]): string {
  const body = rows.flatMap(([label, cell]) => {
    const cells = runs.map(cell);
    if (cells.every((text) => /^[–/ ]*$/.test(text))) return [];
    const texts = cells.map((text) => `<td>${escapeHtml(text)}</td>`).join("");
    return [`<tr><th scope="row">${escapeHtml(label)}</th>${texts}</tr>`];
  });
  if (body.length === 0) return "";
  return `<tbody><tr class="group"><th colspan="${runs.length + 1}">${escapeHtml(title)}</th></tr>${body.join("")}</tbody>`;
}

function namesOf(runs: readonly RunReport[], part: "classes" | "utilisation" | "tenants"): string[] {
  return [...new Set(runs.flatMap((run) => Object.keys(run[part])))];
}

function count(value: number | undefined): string {
  return value === undefined ? "–" : value.toLocaleString("en-US");
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "–" : `${(share * 100).toFixed(1)} %`;
}

function time(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

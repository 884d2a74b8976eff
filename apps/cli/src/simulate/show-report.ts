import type { Report, RunReport } from "@sluice/simulation";
import { count, duration, table, usd } from "../format.ts";

/** A report as tables, one column for each scheduler. */
export function showReport({ seed, config_hash, runs }: Report): string {
  const names = ["", ...runs.map(({ scheduler }) => scheduler)];
  const row = (label: string, cell: (run: RunReport) => string) => [label, ...runs.map(cell)];
  const classes = [...new Set(runs.flatMap((run) => Object.keys(run.classes)))];
  const targets = [...new Set(runs.flatMap((run) => Object.keys(run.utilisation)))];
  const tenants = [...new Set(runs.flatMap((run) => Object.keys(run.tenants)))];
  return [
    `seed ${seed}, configuration ${config_hash.slice(0, 12)}`,
    table([
      names,
      row("jobs", (run) => count(run.jobs)),
      row("succeeded", (run) => count(run.succeeded)),
      row("expired", (run) => count(run.expired)),
      row("dead", (run) => count(run.dead)),
      row("calls", (run) => count(run.calls)),
      row("answered 429", (run) => count(run.throttled)),
      row("spend", (run) => usd(run.spend_usd)),
      row("done after", (run) => duration(run.makespan_ms)),
      row("estimates kept, p50 / p95", ({ eta }) => kept(eta)),
      row("from p50 to p95 / of a constant", ({ eta }) => widths(eta)),
    ]),
    table([
      ["in time", ...names.slice(1)],
      ...classes.map((name) => row(name, ({ classes: of }) => percent(of[name]?.attained))),
    ]),
    table([
      ["wait p50 / p95 / p99", ...names.slice(1)],
      ...classes.map((name) => row(name, ({ classes: of }) => waits(of[name]?.wait_ms))),
    ]),
    table([
      ["estimates kept, p50 / p95", ...names.slice(1)],
      ...classes.map((name) => row(name, ({ classes: of }) => kept(of[name]?.eta))),
    ]),
    table([
      ["use of requests / tokens / places", ...names.slice(1)],
      ...targets.map((name) => row(name, ({ utilisation }) => uses(utilisation[name]))),
    ]),
    table([
      ["tokens (Jain's index)", ...names.slice(1)],
      ...tenants.map((name) => row(name, ({ tenants: of }) => tokensOf(of[name]))),
    ]),
  ].join("\n\n");
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "-" : `${(share * 100).toFixed(1)} %`;
}

function waits(wait: RunReport["classes"][string]["wait_ms"] | undefined): string {
  return [time(wait?.p50), time(wait?.p95), time(wait?.p99)].join(" / ");
}

function time(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "-";
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

function kept(eta: RunReport["eta"] | undefined): string {
  return `${percent(eta?.p50_coverage)} / ${percent(eta?.p95_coverage)}`;
}

function widths(eta: RunReport["eta"]): string {
  return `${time(eta.width_ms)} / ${time(eta.constant_width_ms)}`;
}

function uses(use: RunReport["utilisation"][string] | undefined): string {
  return [percent(use?.requests), percent(use?.tokens), percent(use?.concurrency)].join(" / ");
}

function tokensOf(tenant: RunReport["tenants"][string] | undefined): string {
  if (tenant === undefined) return "-";
  return `${count(tenant.tokens)} (${tenant.jain_window === null ? "-" : tenant.jain_window.toFixed(3)})`;
}

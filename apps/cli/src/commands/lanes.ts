import { connectApi } from "../api/find-api.ts";
import type { LaneView, WindowView } from "../api/operating-views.ts";
import type { CliContext } from "../context.ts";
import { count, duration, table } from "../format.ts";

/** `lanes`: what waits where. */
export async function lanes(context: CliContext, flags: { json?: boolean | undefined }): Promise<number> {
  const page = await connectApi(context).lanes();
  const text = [showLanes(page.data), ...(page.windows.length === 0 ? [] : [showWindows(page.windows)])];
  context.out.write(`${flags.json === true ? JSON.stringify(page) : text.join("\n\n")}\n`);
  return 0;
}

function showLanes(all: readonly LaneView[]): string {
  const head = [
    "LANE",
    "WAITING",
    "ACTIVE",
    "DELAYED",
    "BEHIND IT",
    "TOKENS",
    "OLDEST WAITS",
    "KEPT P50 / P95",
  ];
  const rows = all.map(({ model, lane, backlog, estimates, oldest_wait_seconds: waited }) => [
    model,
    ...(lane === null ? ["?", "?", "?"] : [lane.waiting, lane.active, lane.delayed].map(count)),
    count(backlog.jobs),
    count(backlog.tokens),
    waited === null ? "" : duration(waited * 1000),
    estimates === null
      ? ""
      : `${percent(estimates.by_p50)} / ${percent(estimates.by_p95)} of ${count(estimates.jobs)}`,
  ]);
  return table([head, ...rows]);
}

/** A window has a name only for machines; people know it by its targets. */
function showWindows(all: readonly WindowView[]): string {
  const head = ["WINDOW", "JOBS", "PLACES", "PARKED", "RUNNING", "BEHIND IT", "TOKENS", "TENANTS"];
  const rows = all.map(({ targets, jobs, places, parked, running, backlog }) => [
    targets.length === 0 ? "no target" : targets.join(" "),
    ...[jobs, places, parked, running, backlog.jobs, backlog.tokens, backlog.tenants].map(count),
  ]);
  return table([head, ...rows]);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

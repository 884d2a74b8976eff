import { connectApi } from "../api/find-api.ts";
import type { LaneView } from "../api/operating-views.ts";
import type { CliContext } from "../context.ts";
import { count, duration, table } from "../format.ts";

/** `lanes`: what waits where. */
export async function lanes(context: CliContext, flags: { json?: boolean | undefined }): Promise<number> {
  const page = await connectApi(context).lanes();
  context.out.write(`${flags.json === true ? JSON.stringify(page) : showLanes(page.data)}\n`);
  return 0;
}

function showLanes(all: readonly LaneView[]): string {
  const head = ["LANE", "WAITING", "ACTIVE", "DELAYED", "BEHIND IT", "TOKENS", "OLDEST WAITS"];
  const rows = all.map(({ model, lane, backlog, oldest_wait_seconds: waited }) => [
    model,
    ...(lane === null ? ["?", "?", "?"] : [lane.waiting, lane.active, lane.delayed].map(count)),
    count(backlog.jobs),
    count(backlog.tokens),
    waited === null ? "" : duration(waited * 1000),
  ]);
  return table([head, ...rows]);
}

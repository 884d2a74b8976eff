import { connectApi } from "../api/find-api.ts";
import type { BatchView, JobView } from "../api/views.ts";
import type { CliContext } from "../context.ts";
import { isBatchId } from "./ids.ts";
import { showBatch, showJob, showJobs } from "./show.ts";
import { tagsOf } from "./wishes.ts";

/** The flags of `jobs`. */
export interface JobsFlags {
  readonly status?: string | undefined;
  readonly limit?: string | undefined;
  readonly model?: string | undefined;
  readonly sla?: string | undefined;
  readonly batch?: string | undefined;
  readonly metadata?: readonly string[] | undefined;
  readonly order?: string | undefined;
  readonly after?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `status ID`: where a job or a batch stands. */
export async function status(
  context: CliContext,
  id: string,
  flags: { json?: boolean | undefined },
): Promise<number> {
  const isBatch = isBatchId(id);
  const api = connectApi(context);
  if (isBatch) {
    const batch = await api.readBatch(id);
    return show(context, flags.json === true ? JSON.stringify(batch) : showBatch(batch));
  }
  const bytes = await api.readJob(id);
  return show(
    context,
    flags.json === true ? bytes.toString("utf8") : showJob(JSON.parse(bytes.toString("utf8")) as JobView),
  );
}

/** `cancel ID`: ends a job or a batch; 1 when it had ended already. */
export async function cancel(
  context: CliContext,
  id: string,
  flags: { json?: boolean | undefined },
): Promise<number> {
  isBatchId(id);
  const now = await connectApi(context).cancel(id);
  return show(context, flags.json === true ? JSON.stringify(now) : showEither(now));
}

/** `jobs`: the newest jobs, or those that match. */
export async function jobs(context: CliContext, flags: JobsFlags): Promise<number> {
  const { status: states, limit, model, sla, batch, order, after } = flags;
  const pairs = Object.entries(tagsOf({ metadata: flags.metadata }).metadata ?? {});
  const page = await connectApi(context).listJobs({
    status: states,
    limit,
    model,
    sla,
    batch_id: batch,
    order: order === "desc" ? undefined : order,
    after,
    ...Object.fromEntries(pairs.map(([key, value]) => [`metadata.${key}`, value])),
  });
  if (flags.json === true) return show(context, JSON.stringify(page));
  if (page.data.length === 0 && !page.has_more) return show(context, "no jobs");
  const more = page.has_more ? `\nmore: npx sluice jobs --after ${page.last_id ?? ""}` : "";
  return show(context, `${showJobs(page.data)}${more}`);
}

function showEither(object: JobView | BatchView): string {
  return object.object === "batch" ? showBatch(object) : showJob(object);
}

function show({ out }: CliContext, text: string): number {
  out.write(`${text}\n`);
  return 0;
}

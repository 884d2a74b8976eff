import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../api/api-client.ts";
import { UnreachableError } from "../api/api-error.ts";
import { connectApi, localCluster } from "../api/find-api.ts";
import type { JobEventView } from "../api/read-events.ts";
import { type BatchView, isEndedJob, type JobView, whyStopped } from "../api/views.ts";
import { workerUrls } from "../cluster/worker-urls.ts";
import type { CliContext } from "../context.ts";
import { createPoolCounter, type PoolCounter } from "../progress/call-counts.ts";
import { followBatch } from "../progress/follow-batch.ts";
import { type BatchProgress, summaryLine } from "../progress/progress-view.ts";
import { createTerminal } from "../progress/terminal.ts";
import { invalidLines } from "../run/run-batch.ts";
import { isBatchId } from "./ids.ts";
import { showJob } from "./show.ts";

/** The flags of `watch`. */
export interface WatchFlags {
  readonly json?: boolean | undefined;
}

const interrupted = 130;

/** `watch ID`: progress until the end. 0 when it succeeded (a batch: every line), 1 when not. */
export async function watch(context: CliContext, id: string, flags: WatchFlags): Promise<number> {
  const isBatch = isBatchId(id);
  const api = connectApi(context);
  return isBatch ? watchBatch(context, api, id, flags) : watchJob(context, api, id, flags);
}

/** Follows a batch to its end and tells how it ended; exit code as {@link watch}. */
export async function watchBatch(
  context: CliContext,
  api: ApiClient,
  id: string,
  flags: WatchFlags,
): Promise<number> {
  const terminal = createTerminal(flags.json === true ? context.err : context.out);
  const { signal } = context;
  const pools = await localPools(context, api.url);
  const { batch, progress, tookMs } = await followBatch({ api, batchId: id, terminal, signal, pools });
  if (flags.json === true) context.out.write(`${JSON.stringify(batch)}\n`);
  else if (batch.status === "failed") context.err.write(`${invalidLines("input file", batch).join("\n")}\n`);
  else {
    terminal.say(`${id} is ${batch.status}; ${summaryLine(wholly(progress), lifeMs(batch) ?? tookMs)}`);
    const stop = whyStopped(batch);
    if (stop !== undefined) terminal.say(stop);
  }
  if (signal.aborted) return interrupted;
  return batch.status === "completed" && progress.failed === 0 ? 0 : 1;
}

/** The calls by pool, unless some were answered before anybody watched. */
function wholly(progress: BatchProgress): BatchProgress {
  const calls = Object.values(progress.pools).reduce((sum, some) => sum + some, 0);
  return calls < progress.succeeded ? { ...progress, pools: {} } : progress;
}

/** From acceptance to the end, by the whole seconds that the API tells; `undefined` while it runs. */
function lifeMs(batch: BatchView): number | undefined {
  const endedAt = batch.completed_at ?? batch.expired_at ?? batch.cancelled_at;
  return endedAt === null || endedAt === undefined ? undefined : (endedAt - batch.created_at) * 1_000;
}

/** Tells each change of a job's state, and shows it at its end; exit code as {@link watch}. */
export async function watchJob(
  context: CliContext,
  api: ApiClient,
  id: string,
  flags: WatchFlags,
): Promise<number> {
  const terminal = createTerminal(flags.json === true ? context.err : context.out);
  for (let lastId: string | undefined; ; ) {
    lastId = await tellEvents(context, api, { id, lastId, say: (line) => terminal.say(line) });
    if (context.signal.aborted) return interrupted;
    const job = await readJob(context, api, id);
    if (job === undefined || !isEndedJob(job)) continue;
    context.out.write(`${flags.json === true ? JSON.stringify(job) : showJob(job)}\n`);
    return job.status === "succeeded" ? 0 : 1;
  }
}

/**
 * Tells what happens to a job until its stream ends or breaks; answers the id to go on from. Throws when the API refuses
 * the first call, or cannot be reached for it.
 */
async function tellEvents(
  { signal }: CliContext,
  api: ApiClient,
  { id, lastId, say }: { id: string; lastId: string | undefined; say: (line: string) => void },
): Promise<string | undefined> {
  let last = lastId;
  try {
    for await (const event of api.followJob(id, { lastId, signal })) {
      last = event.id;
      if (!isEndedJob(event)) say(`${id} is ${event.status}${whereOf(event)}`);
    }
  } catch (error) {
    if (signal.aborted) return last;
    if (last === undefined) throw error;
    await sleep(1_000, undefined, { signal }).catch(() => undefined);
  }
  return last;
}

function whereOf({ status, attempt, target }: JobEventView): string {
  return status === "running" ? `: attempt ${attempt ?? 1} at ${target ?? "a target"}` : "";
}

/** `undefined` while the API is being restarted. */
async function readJob({ signal }: CliContext, api: ApiClient, id: string): Promise<JobView | undefined> {
  try {
    return JSON.parse((await api.readJob(id, { signal })).toString("utf8")) as JobView;
  } catch (error) {
    if (error instanceof UnreachableError || signal.aborted) return undefined;
    throw error;
  }
}

/** Only a cluster of this machine shows its workers' counters. */
async function localPools(context: CliContext, url: string): Promise<PoolCounter | undefined> {
  const local = localCluster(context);
  if (local === undefined || local.url !== url) return undefined;
  return createPoolCounter({ workers: workerUrls(local.health), pools: local.pools });
}

import { setTimeout as sleep } from "node:timers/promises";
import { createProgressEstimate, type ProgressEstimate } from "@sluice/scheduling";
import type { ApiClient } from "../api/api-client.ts";
import { ApiError, UnreachableError } from "../api/api-error.ts";
import { type BatchView, isEndedBatch } from "../api/views.ts";
import type { PoolCounter } from "./call-counts.ts";
import { type BatchProgress, progressBar, progressLine } from "./progress-view.ts";
import type { Terminal } from "./terminal.ts";

/** What following needs. */
export interface FollowOptions {
  readonly api: Pick<ApiClient, "readBatch">;
  readonly batchId: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly pools?: PoolCounter | undefined;
  /** Time between two looks, in milliseconds. */
  readonly lookMs?: number;
}

/** A batch that has ended, or that was last seen when the signal came. */
export interface Followed {
  readonly batch: BatchView;
  readonly progress: BatchProgress;
  /** From the first look. */
  readonly tookMs: number;
}

const usualLookMs = 500;
/** Before this many lines have ended, their rate says nothing about the rest. */
const leastLines = 10;
const leastShare = 0.01;
/** Plain lines come every second at first and ever more rarely, so that a long run does not fill a log. */
const lineShare = 0.1;
const lineMs = { least: 1_000, most: 30_000 };
/** An API that is being restarted is waited for. */
const patienceMs = 60_000;

/** Shows a batch's progress until it has ended, or until the signal. Throws when the API is gone for a minute. */
export async function followBatch(options: FollowOptions): Promise<Followed> {
  const { terminal, signal, lookMs = usualLookMs } = options;
  const startedAt = performance.now();
  let estimate: ProgressEstimate | undefined;
  let lastLineAt = Number.NEGATIVE_INFINITY;
  let lastLine = "";
  for (;;) {
    const batch = await readPatiently(options);
    const total = batch.request_counts?.total ?? 0;
    if (total > 0) estimate ??= createProgressEstimate({ total });
    const at = performance.now();
    estimate?.add({ at, done: doneOf(batch) });
    const progress = await progressOf(batch, estimate, options.pools);
    if (isEndedBatch(batch) || signal.aborted) {
      terminal.draw(undefined);
      return { batch, progress, tookMs: at - startedAt };
    }
    terminal.draw(progressBar(progress, terminal.columns));
    const line = progressLine(progress);
    if (!terminal.isLive && at - lastLineAt >= lineEvery(at - startedAt) && line !== lastLine) {
      terminal.say(line);
      lastLineAt = at;
      lastLine = line;
    }
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

function lineEvery(elapsedMs: number): number {
  return Math.min(lineMs.most, Math.max(lineMs.least, elapsedMs * lineShare));
}

async function readPatiently({ api, batchId, signal }: FollowOptions): Promise<BatchView> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await api.readBatch(batchId);
    } catch (error) {
      const mayPass = error instanceof UnreachableError || (error instanceof ApiError && error.status >= 500);
      if (!mayPass || signal.aborted || performance.now() > giveUpAt) throw error;
      await sleep(1_000, undefined, { signal }).catch(() => undefined);
    }
  }
}

function doneOf({ request_counts: counts }: BatchView): number {
  return (counts?.completed ?? 0) + (counts?.failed ?? 0);
}

async function progressOf(
  batch: BatchView,
  estimate: ProgressEstimate | undefined,
  pools: PoolCounter | undefined,
): Promise<BatchProgress> {
  const { perSecond, etaMs } = estimate?.read() ?? { perSecond: 0, etaMs: undefined };
  const total = batch.request_counts?.total ?? 0;
  const isTooEarly = doneOf(batch) < Math.max(leastLines, total * leastShare);
  return {
    status: batch.status,
    total,
    succeeded: batch.request_counts?.completed ?? 0,
    failed: batch.request_counts?.failed ?? 0,
    perSecond,
    etaMs: isTooEarly && etaMs !== 0 ? undefined : etaMs,
    spendUsd: batch.cost_usd ?? 0,
    pools: (await pools?.read()) ?? {},
  };
}

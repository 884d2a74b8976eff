import type { BenchProcess } from "../bench-process.ts";
import type { LoadOrder, LoadResult } from "../load/load-types.ts";
import { benchModel } from "../prompts.ts";
import type { System } from "../systems/system.ts";
import type { Upstream } from "../upstream.ts";

/** How much is measured. */
export interface Sizes {
  readonly warmUpJobs: number;
  /** Jobs that are accepted without a worker, and then finished. */
  readonly jobs: number;
  /** Jobs that are accepted while the worker runs. */
  readonly throughJobs: number;
  readonly pickUps: number;
  readonly batchLines: number;
  /** Jobs that wait for a limit. */
  readonly waitingJobs: number;
  /** How long a system with nothing to do is watched. */
  readonly quietMs: number;
  /** How long one take of decisions lasts. */
  readonly decideMs: number;
}

/** What a phase works with. */
export interface PhaseContext {
  readonly system: System;
  readonly load: BenchProcess;
  readonly upstream: Upstream;
  readonly sizes: Sizes;
  readonly seed: number;
}

/** Connections of the load, each with one request under way. */
const connections = 64;

/** Posts jobs from the load generator. Throws when one was not accepted. */
export async function postJobs(
  { system, load, seed }: PhaseContext,
  requests: number,
  model = benchModel,
): Promise<LoadResult> {
  const { url, headers } = system;
  const order: LoadOrder = { url, headers, model, requests, connections, seed };
  const { result } = (await load.ask(order)) as { result: LoadResult };
  if (result.accepted === requests) return result;
  throw new Error(
    `${system.name} accepted ${result.accepted} of ${requests} jobs; another answer was ${result.otherStatus}`,
  );
}

const pollMs = 20;

/** Waits until `holds`; a bench polls, since waiting is part of what it measures. Throws after ten minutes. */
export async function until(holds: () => Promise<boolean>, everyMs = pollMs): Promise<void> {
  const giveUpAt = performance.now() + 600_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error("waited ten minutes in vain");
    await pause(everyMs);
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

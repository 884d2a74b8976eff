import type { RunLog } from "./log.ts";
import { makeReport } from "./report/make-report.ts";
import type { Report } from "./report/report.ts";
import { runBaseline } from "./run-baseline.ts";
import type { RunOptions } from "./run-options.ts";
import { runSluice } from "./run-sluice.ts";

/** The schedulers that can be compared. */
export const schedulers = ["sluice", "fifo", "static-priority"] as const;

export type Scheduler = (typeof schedulers)[number];

/** What was found, and what it was found from. */
export interface Simulated {
  readonly config: RunOptions["config"];
  readonly report: Report;
  readonly logs: readonly RunLog[];
}

/** Runs the same work through each scheduler. Throws what accepting an arrival throws (an unknown model or class). */
export async function simulate(options: RunOptions, wanted: readonly Scheduler[]): Promise<Simulated> {
  const logs: RunLog[] = [];
  for (const scheduler of wanted)
    logs.push(scheduler === "sluice" ? await runSluice(options) : await runBaseline(scheduler, options));
  return { config: options.config, report: makeReport(options.config, options.seed, logs), logs };
}

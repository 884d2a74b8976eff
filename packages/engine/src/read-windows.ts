import type { Clock, FeedLedger, LaneLedger, WindowBacklog } from "@sluice/domain";
import type { WindowSize } from "@sluice/scheduling";
import { retryHorizonMs } from "./feed-lanes.ts";
import type { WindowSizes } from "./window-sizes.ts";

export interface ReadWindowsPorts {
  readonly ledger: Pick<LaneLedger, "windowBacklogs"> & Pick<FeedLedger, "sampleJobs">;
  readonly sizes: WindowSizes;
  readonly clock: Clock;
}

/** A candidate set's window and the backlog behind it, as an operator sees them. */
export interface WindowReport extends WindowBacklog, WindowSize {
  /** Ids of the targets that can serve the set's jobs. */
  readonly targets: readonly string[];
}

/** Reads the windows of all candidate sets that have live jobs. Reads each live job: for operators only. */
export async function readWindows({ ledger, sizes, clock }: ReadWindowsPorts): Promise<WindowReport[]> {
  const backlogs = await ledger.windowBacklogs(clock.now() + retryHorizonMs);
  const unknown = backlogs.map((backlog) => backlog.candidateSet).filter((set) => !sizes.knows(set));
  if (unknown.length > 0) for (const sample of await ledger.sampleJobs(unknown)) await sizes.learn(sample);
  return backlogs.map((backlog) => ({
    ...backlog,
    ...sizes.sizeOf(backlog.candidateSet, backlog),
    targets: sizes.targetsOf(backlog.candidateSet),
  }));
}

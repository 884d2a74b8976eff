import type { JobToRun, Outcome, WorkerId } from "@sluice/domain";
import type { Placement } from "./place-job.ts";

/** An attempt whose call has ended. */
export interface EndedAttempt {
  readonly job: JobToRun;
  readonly placed: Extract<Placement, { kind: "placed" }>;
  readonly epoch: number;
  readonly workerId: WorkerId;
  readonly outcome: Outcome;
}

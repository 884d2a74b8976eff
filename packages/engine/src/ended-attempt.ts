import type { JobToRun, Outcome, WorkerId } from "@sluice/domain";
import type { Placement } from "./place-job.ts";
import type { StreamedPart } from "./streams/attempt-stream.ts";

/** An attempt whose call has ended. */
export interface EndedAttempt {
  readonly job: JobToRun;
  readonly placed: Extract<Placement, { kind: "placed" }>;
  readonly epoch: number;
  readonly workerId: WorkerId;
  readonly outcome: Outcome;
  /** What came of the answer while it came; absent for a job that is not streamed. */
  readonly streamed?: StreamedPart | undefined;
}

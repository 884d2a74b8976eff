import type { FinishEstimate, JobState } from "@sluice/domain";

/** What happened to one job. Moments in ms of the simulation's clock, counted from its beginning. */
export interface JobRecord {
  readonly sla: string;
  readonly tenant: string;
  readonly model: string;
  readonly arrivedAt: number;
  readonly deadlineAt: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** What was predicted when it was accepted, counted from the beginning too. */
  readonly estimate: FinishEstimate | undefined;
  /** Its first call; `undefined`: none. */
  firstCallAt: number | undefined;
  finishedAt: number | undefined;
  state: JobState;
}

/** One call to a modelled target. */
export interface CallRecord {
  readonly job: number;
  readonly target: string;
  readonly at: number;
  endedAt: number | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly ending: "succeeded" | "throttled" | "failed";
  readonly costUsd: number;
}

/** The state of the cluster at one moment. */
export interface Sample {
  readonly at: number;
  /** Jobs that have not ended and do not run, by SLA class. */
  readonly waiting: Readonly<Record<string, number>>;
  /** Calls under way, by target. */
  readonly inFlight: Readonly<Record<string, number>>;
}

/** Everything a report is made of; the same for each scheduler. */
export interface RunLog {
  readonly scheduler: "sluice" | "fifo" | "static-priority";
  readonly jobs: readonly JobRecord[];
  readonly calls: readonly CallRecord[];
  readonly samples: readonly Sample[];
  /** When the last job ended. */
  readonly endedAt: number;
}

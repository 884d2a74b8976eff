import type { JobId, JobSpec, JobState, JobToRun, WorkerId } from "@sluice/domain";

/** A job as the ledger in memory keeps it. */
export interface JobRow {
  /** Replaced when it stands back because it is late. */
  spec: JobSpec;
  state: JobState;
  laned: boolean;
  epoch: number;
  attempts: number;
  owner: WorkerId | undefined;
  notBeforeAt: number | undefined;
  /** The limit that it waits for while it is parked. */
  waitingFor: string | undefined;
  failedTargets: readonly string[];
}

/** A job that was just accepted. */
export function newRow(spec: JobSpec, laned: boolean): JobRow {
  return {
    spec,
    laned,
    state: "queued",
    epoch: 0,
    attempts: 0,
    owner: undefined,
    notBeforeAt: undefined,
    waitingFor: undefined,
    failedTargets: [],
  };
}

/** What a worker loads of it. */
export function toRun({ spec, laned: _laned, owner, ...standing }: JobRow): JobToRun {
  return { ...spec, ...standing, ownerAlive: owner !== undefined };
}

/** The row of a job that the ledger must know. */
export function requireRow(rows: ReadonlyMap<JobId, JobRow>, id: JobId): JobRow {
  const row = rows.get(id);
  if (row === undefined) throw new Error(`the ledger knows no job ${id}`);
  return row;
}

import type { JobId, TenantId } from "../ids.ts";
import type { JobSpec } from "../job.ts";
import type { LanePointer } from "./lanes.ts";

/**
 * What a candidate set has in the lanes that does not run: its window. Retries that are due only after the moment the
 * caller names do not count: until then they can take nobody's turn.
 */
export interface WindowUse {
  readonly candidateSet: string;
  /** Tenants that have jobs in it. */
  readonly tenants: readonly {
    readonly tenantId: TenantId;
    readonly jobs: number;
    /** Those of them that wait for room at their targets. */
    readonly parked: number;
    /** What all of them are charged. */
    readonly tokens: number;
  }[];
  /** Effective deadlines: of the least urgent job in the window, and of the most urgent one that is not fed yet. */
  readonly latestDeadlineAt: number | undefined;
  readonly earliestUnfedAt: number;
}

/** How many jobs of a candidate set are wanted. */
export interface FeedWish {
  readonly candidateSet: string;
  /** Free places of the window; enough jobs of each tenant to fill them. */
  readonly room: number;
  /** Jobs that may go express, */
  readonly express: number;
  /** which are those that are more urgent than the job that stands at this place of the window, by urgency. */
  readonly expressPlaces: number;
}

/** An unfed job. */
export interface UnfedHead {
  readonly jobId: JobId;
  readonly candidateSet: string;
  readonly tenantId: TenantId;
  readonly tokens: number;
}

/** What stands at the head of a candidate set's backlog. */
export interface UnfedHeads {
  readonly candidateSet: string;
  /** By tenant, each earliest effective deadline first. */
  readonly flows: readonly {
    readonly tenantId: TenantId;
    readonly jobs: readonly UnfedHead[];
    /** More of its jobs lie behind these. */
    readonly more: boolean;
  }[];
  /** Most urgent first; they stand among the flows too, or behind what was read of them. */
  readonly express: readonly UnfedHead[];
}

/** The backlog as the leader feeds it to the lanes; a job is unfed until it counts as laned. */
export interface FeedLedger {
  /** The windows of all candidate sets that have unfed jobs; one cheap look when none has. */
  unfedWindows(retriesBefore: number): Promise<WindowUse[]>;
  /** One live job of each of these sets, an unfed one if there is any. */
  sampleJobs(candidateSets: readonly string[]): Promise<JobSpec[]>;
  unfedHeads(wishes: readonly FeedWish[], retriesBefore: number): Promise<UnfedHeads[]>;
  /**
   * Lets late jobs of these sets stand back that are unfed and still wanted (`best_effort`): their effective deadline
   * becomes as far ahead as they are old, so they are tried again at twice their age. Some at a time; answers how many.
   */
  deferLate(leaderEpoch: number, candidateSets: readonly string[], now: number): Promise<number>;
  /** Marks jobs as laned, those that are still unfed, and returns their pointers. */
  markLaned(leaderEpoch: number, jobIds: readonly JobId[]): Promise<LanePointer[]>;
}

/** How full a candidate set's window is, as whoever adds to it straight away must know. */
export interface WindowLevel {
  readonly candidateSet: string;
  readonly jobs: number;
  /** What they are charged. */
  readonly tokens: number;
  /** Effective deadline of the most urgent unfed job; absent: nothing is unfed. */
  readonly earliestUnfedAt: number | undefined;
  /** Effective deadline of the job at the place that was asked for, by urgency; absent: fewer jobs are there. */
  readonly placeDeadlineAt: number | undefined;
}

/** The windows as those see them who put accepted jobs straight into lanes. */
export interface WindowLedger {
  windowLevels(
    places: readonly { readonly candidateSet: string; readonly place: number }[],
    retriesBefore: number,
  ): Promise<WindowLevel[]>;
}

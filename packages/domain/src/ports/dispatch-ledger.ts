import type { DeliveryId, JobId } from "../ids.ts";
import type { JobState } from "../job.ts";
import type { FeedLedger } from "./feed-ledger.ts";
import type { LanePointer } from "./lanes.ts";
import type { EventIds, LineBytesOf } from "./ledger.ts";

export type Leadership = { readonly leads: true; readonly epoch: number } | { readonly leads: false };

/** A job that the dispatcher moved, with what its lane and its board need. */
export interface MovedJob extends LanePointer {
  readonly state: JobState;
  readonly deliveryIds: readonly DeliveryId[];
  /** Why it ended, as in its failure. */
  readonly failureCode?: string | undefined;
}

/** A live job. The moment of a park is no `notBeforeAt`: a pointer that was lost has no waiter that stands for it. */
export interface LiveJob extends LanePointer {
  readonly candidateSet: string;
  readonly state: JobState;
  readonly ownerAlive: boolean;
}

/** What the dispatcher needs of jobs; every write carries the leader's epoch and does nothing once that is over. */
export interface DispatchLedger extends FeedLedger {
  /** Takes or keeps leadership for `leaseMs`. */
  lead(name: string, holder: string, leaseMs: number): Promise<Leadership>;
  resign(name: string, holder: string): Promise<void>;
  /** Live jobs that count as laned, by candidate set and id; `after` is the last one of the page before. */
  liveLaned(page: { readonly after?: LiveJob | undefined; readonly limit: number }): Promise<LiveJob[]>;
  /** Live state of single jobs, for pointers found without a lock. */
  findLive(ids: readonly JobId[]): Promise<LiveJob[]>;
  /** Gives up the attempts of workers whose lease is over: their jobs wait again, or end if `on_ambiguous` says so. */
  returnJobsOfDeadWorkers(
    leaderEpoch: number,
    now: number,
    newIds: () => EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<MovedJob[]>;
  /** Ends queued and waiting jobs whose deadline has passed and that are to expire. */
  expireJobs(
    leaderEpoch: number,
    now: number,
    limit: number,
    newIds: () => EventIds,
    lineBytesOf: LineBytesOf,
  ): Promise<MovedJob[]>;
  /** Deliveries that are due and not being worked on, oldest first. */
  overdueDeliveries(before: number, limit: number): Promise<DeliveryId[]>;
  /** Deletes claims of calls that nothing can repeat any more; answers how many. */
  forgetClaims(leaderEpoch: number, now: number, limit: number): Promise<number>;
  /** Makes sure that the partitions of the coming weeks exist. */
  ensurePartitions(now: number): Promise<void>;
}

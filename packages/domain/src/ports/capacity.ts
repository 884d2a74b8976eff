import type { Target, TenantConfig } from "../config-types.ts";
import type { JobId, TenantId } from "../ids.ts";
import type { RateLimitReport } from "../outcome.ts";
import type { Signals } from "../route.ts";
import type { OperatedTarget } from "./target-ledger.ts";

/**
 * Who asks for room, whose it is and how urgent: the order among those who wait for the same room, whatever their lane.
 * Tenants share by weight; within that the earliest effective deadline goes first.
 */
export interface Turn {
  readonly jobId: JobId;
  /** Names the lane that holds the pointer. */
  readonly model: string;
  readonly effectiveDeadlineAt: number;
  readonly tenantId: TenantId;
  /** Above 0; the tenant's share beside the weights of the others that wait. */
  readonly weight: number;
}

/** A job that waits for room. */
export type ParkedJob = Pick<Turn, "jobId" | "model">;

/** Money that a call is held against beside limits: its worst case is reserved, what it cost is settled. */
export interface Budget {
  /** Kind and id, such as `key:ID` or `batch:ID`; a refusal names the kind: `budget.key`. */
  readonly key: string;
  readonly usd: number;
  /** Of any 24 hours, or of all time: `total` counters are forgotten a week after their last use. */
  readonly window: "day" | "total";
  /** Where the counter begins when it is not known (any more), for `day` as if spent just now; absent: ask for it. */
  readonly spentUsd?: number;
}

/** What one attempt will take, asked of all limits at once. */
export interface ReserveRequest {
  readonly target: Target;
  readonly tenant: { readonly id: TenantId; readonly limits: TenantConfig["limits"] };
  /** Worker that will hold the reservation; it lapses when the worker stops renewing. */
  readonly owner: string;
  readonly inputTokens: number;
  /** Expected, not the maximum. */
  readonly outputTokens: number;
  /** Worst case in USD: money is never overdrawn. */
  readonly costUsd: number;
  /** After this long without settle, release or renewal the reservation is taken back. */
  readonly leaseMs: number;
  /** Each key once. */
  readonly budgets?: readonly Budget[];
  /** Without one the request waits behind nobody. The least urgent jobs probe a target that was failing. */
  readonly turn?: Turn | undefined;
}

export interface Reservation {
  readonly id: string;
  readonly targetId: string;
  readonly tenantId: TenantId;
  /** What each stated limit had left after this grant; `learn` compares the upstream's word with it. */
  readonly left?: { readonly requests?: number; readonly tokens?: number };
  /** Names the opening of the breaker that this call probes; absent for every other call. */
  readonly probe?: number;
}

/** How an attempt went. */
export interface CallSample {
  readonly latencyMs: number;
  /** Until the first part of a streamed answer; absent for one that came as a whole. */
  readonly firstTokenMs?: number | undefined;
  /** Whether the upstream answered as it should; absent when the call says nothing of that. */
  readonly ok?: boolean;
  /** What the call says of the target's health; absent: nothing. `unreachable`: no connection came about. */
  readonly health?: "good" | "failing" | "unreachable";
  /** The target said, or showed by a timeout, that it has more to do than it can. */
  readonly isOverloaded?: boolean;
  readonly outputTokens?: number | undefined;
  readonly costUsd?: number;
  /** How long the upstream asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** The reservation of the call; the breaker knows by it what its probe came to. */
  readonly reservation?: Reservation;
}

export type ReserveAnswer =
  | { readonly kind: "granted"; readonly reservation: Reservation }
  /** `limit` names what is full, `waitMs` the earliest time at which this request can fit. */
  | {
      readonly kind: "denied";
      readonly limit: string;
      readonly waitMs: number;
      /** A `total` budget has less left than the call may cost, whatever the calls under way turn out to cost. */
      readonly isExhausted?: true;
      /** The counter of a budget is not known and the request does not say what was spent of it: it has to. */
      readonly isUnknown?: true;
    };

/** A request that was denied. */
export interface Refusal {
  readonly request: ReserveRequest;
  readonly limit: string;
  readonly waitMs: number;
  /** As the answer said. */
  readonly isExhausted?: true;
}

export type ParkAnswer =
  /** The job waits; whoever frees room for it wakes it. Unless that happens it looks by itself after `waitMs`. */
  | { readonly kind: "parked"; readonly waitMs: number }
  /** Room has come free meanwhile; nothing is parked. */
  | { readonly kind: "room"; readonly request: ReserveRequest };

/** What an attempt really took. */
export interface RealUse {
  /** `undefined` when nothing is known of the call: the expected number stays counted. */
  readonly inputTokens: number | undefined;
  /** `undefined` when the upstream did not say (a timeout, a reset): the expected number stays counted. */
  readonly outputTokens: number | undefined;
  /** `undefined` when nothing is known of the call: its worst case is spent. */
  readonly costUsd: number | undefined;
  /** From the reservation to the moment the request was on the wire. */
  readonly sentAfterMs?: number | undefined;
}

/** Cluster-wide capacity; every call is one atomic step. */
export interface Capacity {
  /** Denies also while a more urgent job is parked that has room now. */
  reserve(request: ReserveRequest): Promise<ReserveAnswer>;
  /** Makes a job wait for all that refused it. It stops waiting when it is granted, or does not come when woken. */
  park(turn: Turn, refusals: readonly Refusal[]): Promise<ParkAnswer>;
  /** Ends the waiting of a job that will not come, so that nobody waits for it. */
  leave(job: ParkedJob): Promise<void>;
  /** Whether a reservation is still kept: not when Redis has lost it, or its lease has lapsed. */
  holds(reservation: Reservation): Promise<boolean>;
  /** Ends a reservation whose request reached the upstream. */
  settle(reservation: Pick<Reservation, "id">, use: RealUse): Promise<void>;
  /** Ends a reservation whose request never left. */
  release(reservation: Reservation): Promise<void>;
  /** Keeps the reservations of `owner` for another `leaseMs`. */
  renew(owner: string, leaseMs: number): Promise<void>;
  /**
   * Corrects the counters by what the upstream says; what it does not say stays. With the reservation of the call
   * that brought the report, what has changed since that call is not taken for use by others.
   */
  learn(target: Target, report: RateLimitReport, reservation?: Reservation): Promise<void>;
  /** Gives the target nothing before `untilAt` (ms since 1970); a moment that has passed ends a pause. */
  pause(targetId: string, untilAt: number, reason: string): Promise<void>;
  /** Records how an attempt went: latency, error rate, speed, and the breaker. */
  observe(targetId: string, sample: CallSample): Promise<void>;
  /** Takes over what operators have said of targets; what was said later stays. */
  operate(states: readonly OperatedTarget[]): Promise<void>;
  signals(targets: readonly Target[]): Promise<Signals>;
}

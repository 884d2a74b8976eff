import type { Target, TenantConfig } from "../config-types.ts";
import type { TenantId } from "../ids.ts";
import type { RateLimitReport } from "../outcome.ts";
import type { Signals } from "../route.ts";
import type { OperatedTarget } from "./target-ledger.ts";

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
  /** How urgent the job is (ms since 1970): the least urgent ones probe a target that was failing. Absent: not at all. */
  readonly effectiveDeadlineAt?: number;
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
  /** Whether the upstream answered as it should; absent when the call says nothing of that. */
  readonly ok?: boolean;
  /** What the call says of the target's health; absent: nothing. `unreachable`: no connection came about. */
  readonly health?: "good" | "failing" | "unreachable";
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
  | { readonly kind: "denied"; readonly limit: string; readonly waitMs: number };

/** What an attempt really took. */
export interface RealUse {
  readonly inputTokens: number;
  /** `undefined` when the upstream did not say (a timeout, a reset): the expected number stays counted. */
  readonly outputTokens: number | undefined;
  readonly costUsd: number;
  /** From the reservation to the moment the request was on the wire. */
  readonly sentAfterMs?: number | undefined;
}

/** Cluster-wide capacity; every call is one atomic step. */
export interface Capacity {
  reserve(request: ReserveRequest): Promise<ReserveAnswer>;
  /** Ends a reservation whose request reached the upstream. */
  settle(reservation: Reservation, use: RealUse): Promise<void>;
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

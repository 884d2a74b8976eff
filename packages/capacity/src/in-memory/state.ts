import type { ParkedJob } from "@sluice/domain";
import type { WaitedLimits } from "../parking.ts";

/** What the scripts keep in Redis, as objects: a {@link Scope} is the use, log, day, health and waiters of one target or tenant. */
export interface State {
  readonly targets: Map<string, Scope>;
  readonly tenants: Map<string, Scope>;
  readonly owners: Map<string, Owner>;
  /** No lease ends before this. */
  firstLeaseEndsAt: number;
  readonly parked: Map<string, Waiter>;
  readonly budgets: Map<string, KnownBudget>;
  /** Absent when it is warm. */
  cold: Cold | undefined;
}

/** See `claim-rebuild.lua`. */
export interface Cold {
  readonly since: number | undefined;
  readonly token: string | undefined;
  readonly claimedUntil: number;
}

/** A budget by the hour, or as a whole. */
export interface KnownBudget {
  readonly day: Hour[];
  /** Spent and held. */
  microUsd: number;
  /** Held of that by calls under way. */
  held: number;
}

export interface HeldBudget {
  readonly counter: KnownBudget;
  readonly window: "day" | "total";
}

/** One call of the port: when it runs, and whom it wakes. */
export interface Step {
  readonly state: State;
  /** Whole ms since 1970. */
  readonly now: number;
  readonly wake: Waiter[];
}

/** What a window counts. */
export interface Amounts {
  readonly requests: number;
  readonly input: number;
  readonly output: number;
  /** Tokens taken by others. */
  readonly other: number;
}

/** Up to when each limit of a minute is used when taken evenly, in microseconds since 1970. */
export interface Pace {
  requests: number;
  tokens: number;
  input: number;
  output: number;
  /** The same at the peak rate. */
  peak: number;
}

/** Everything that counts now. */
export interface Sums {
  readonly pace: Pace;
  requests: number;
  input: number;
  output: number;
  other: number;
  inFlight: number;
  /** Tokens reserved for calls in flight. */
  inFlightTokens: number;
}

/** What is settled and counts until it leaves the window. */
export interface Entry extends Amounts {
  readonly id: string;
  readonly leavesAt: number;
}

/** Entries by when they leave; those before `first` have left. */
export interface Log {
  readonly entries: Entry[];
  first: number;
}

export interface Hour {
  /** Hours since 1970. */
  readonly hour: number;
  tokens: number;
  microUsd: number;
}

export interface Scope {
  readonly sums: Sums;
  readonly log: Log;
  /** Oldest first. */
  readonly day: Hour[];
  readonly waiting: WaitingTenants;
  /** Counters of tenants that have no waiters just now. */
  readonly left: Map<string, number>;
  virtualTime: number;
  /** What its waiters wait for. */
  waitedLimits: WaitedLimits;
  pausedUntil: number;
  pauseReason: string;
  readonly breaker: Breaker;
  readonly seen: Seen;
  readonly learned: Learned;
  /** Absent until room is asked for without a stated concurrency. */
  learnedConcurrency: LearnedConcurrency | undefined;
  readonly latencies: MinutesOfTimes;
  /** Times to the first part of streamed answers. */
  readonly firstTokens: MinutesOfTimes;
  readonly spend: { day: number; microUsd: number };
}

/** See `breaker.lua` for what each field means. */
export interface Breaker {
  isOpen: boolean;
  untilAt: number;
  opens: number;
  base: number;
  probeAt: number | undefined;
  askedAt: number | undefined;
  closedAt: number | undefined;
  fails: number;
  row: number;
  silentSince: number | undefined;
  retryAt: number;
  readonly buckets: Bucket[];
  operated: "paused" | "draining" | undefined;
  operatedAt: number;
  /** That an operator gave. */
  weight: number | undefined;
}

export interface Bucket {
  readonly bucket: number;
  good: number;
  failed: number;
}

/** Sums and weights of how calls went, as they stood at `at`. */
export interface Seen {
  at: number | undefined;
  latencySum: number;
  latencyWeight: number;
  errorSum: number;
  errorWeight: number;
  tokens: number;
  tokenMs: number;
}

/** Mean and variance. */
export interface Moments {
  mean: number;
  variance: number;
}

/** What answers have taught. */
export interface Learned {
  answers: number;
  readonly output: Moments;
  /** By how much more calls took than was reserved. */
  readonly errors: { readonly input: Moments; readonly output: Moments };
  inputReal: number;
  inputEstimated: number;
  inputRatio: number;
}

/** See `learned-concurrency.lua` for what each field means. */
export interface LearnedConcurrency {
  limit: number;
  slowFrom: number;
  latency: { base: number; now: number } | undefined;
  heldAt: number | undefined;
  backAt: number;
  top: { readonly limit: number; readonly at: number } | undefined;
  round: RoundOfCalls | undefined;
}

export interface RoundOfCalls {
  calls: number;
  ms: number;
  units: number;
  peak: number;
  readonly since: number;
}

export interface MinuteOfTimes {
  minute: number;
  readonly calls: number[];
}

/** An even minute and an odd one. */
export type MinutesOfTimes = readonly [MinuteOfTimes, MinuteOfTimes];

/** What one reservation holds, and of whom. */
export interface Held {
  readonly id: string;
  readonly reservedAt: number;
  readonly input: number;
  readonly output: number;
  /** Input before correction. */
  readonly estimate: number;
  readonly microUsd: number;
  /** Whose counter was charged; absent when nobody waited. */
  readonly charged: Share | undefined;
  readonly budgets: readonly HeldBudget[];
  readonly places: readonly HeldPlace[];
}

/** A tenant with its weight. */
export interface Share {
  readonly tenantId: string;
  readonly weight: number;
}

export interface HeldPlace {
  readonly scope: Scope;
  readonly limits: WaitedLimits;
  /** Whether the scope has a daily limit. */
  readonly countsDay: boolean;
}

export interface Owner {
  leaseEndsAt: number;
  readonly held: Map<string, Held>;
}

/** Tenants that wait in a scope; by counter, those furthest behind come first. */
export interface WaitingTenants {
  readonly byName: Map<string, TenantQueue>;
  readonly byCounter: TenantQueue[];
}

/** The waiters of one tenant, most urgent first, with the counter of `fair-order.lua`. */
export interface TenantQueue {
  readonly tenantId: string;
  counter: number;
  readonly waiters: Waiter[];
}

/** A job that waits for room, and what it needs in each scope as that scope counts tokens. */
export interface Waiter extends Share {
  readonly member: string;
  readonly job: ParkedJob;
  readonly urgency: number;
  lapsesAt: number;
  awakeUntil: number;
  timesWoken: number;
  /** Whether nobody was before it when it was parked. */
  wasFirst: boolean;
  readonly places: readonly WaiterPlace[];
}

export interface WaiterPlace {
  readonly scope: Scope;
  readonly input: number;
  readonly output: number;
}

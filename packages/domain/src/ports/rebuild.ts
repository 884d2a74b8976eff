import type { TenantId } from "../ids.ts";
import type { Budget, Capacity } from "./capacity.ts";

/** One target or tenant. */
export interface UsedScope {
  readonly scope: "target" | "tenant";
  readonly id: string;
}

/** Calls that have ended and still count in a window. */
export interface SentUse extends UsedScope {
  /** How long before the reading they were sent, at least. */
  readonly agoMs: number;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What one hour counts for limits of a day, calls under way included. */
export interface HourUse extends UsedScope {
  /** Hours since 1970. */
  readonly hour: number;
  readonly tokens: number;
  readonly usd: number;
}

/** A call under way, with what it was expected to take. */
export interface RunningUse {
  readonly reservationId: string;
  readonly targetId: string;
  readonly tenantId: TenantId;
  readonly startedAgoMs: number;
  /** What is left of its worker's lease; 0 or less: it is over. */
  readonly leaseMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The most that it may cost. */
  readonly usd: number;
  readonly budgets: readonly Pick<Budget, "key" | "window">[];
}

/** What was spent of a budget in an hour, calls under way included; for `total`, ever. */
export interface BudgetUse extends Pick<Budget, "key" | "window"> {
  /** Hours since 1970; 0 for `total`. */
  readonly hour: number;
  readonly usd: number;
}

/** Everything that the ledger knows to count for limits and budgets, as of one moment. */
export interface LedgerUse {
  readonly sent: readonly SentUse[];
  readonly hours: readonly HourUse[];
  readonly running: readonly RunningUse[];
  /** Of those budgets that calls under way are held against; the others are asked for when they are needed. */
  readonly budgets: readonly BudgetUse[];
}

/** The target or the tenant of a call under way. */
export interface CountedScope extends UsedScope {
  /** Whether it has a limit of a day. */
  readonly countsDay: boolean;
}

/** What of the ledger's use counts for a limit. */
export interface CountedUse extends Omit<LedgerUse, "running"> {
  readonly running: readonly CountedCall[];
}

/** A call under way with what counts it: its target first, and its tenant if that has limits. */
export interface CountedCall extends Omit<RunningUse, "targetId" | "tenantId"> {
  readonly scopes: readonly CountedScope[];
}

/** What capacity is rebuilt from. */
export interface UseLedger {
  /** Whether any attempt was ever started. */
  hasAttempts(): Promise<boolean>;
  /** Calls sent within `windowMs` and those under way; with `hours` also what the last 25 hours come to. */
  readUse(asked: { readonly windowMs: number; readonly hours: "all" | "none" }): Promise<LedgerUse>;
}

/** What whoever asks to rebuild is told. */
export type RebuildClaim =
  /** Nothing is lost. */
  | { readonly kind: "warm" }
  /** Calls may be starting still, or another one rebuilds: to be asked again. */
  | { readonly kind: "wait"; readonly waitMs: number }
  /** The caller rebuilds, for as long as it claims again in time. */
  | { readonly kind: "claimed" };

/**
 * Capacity whose state can be lost. Until it is rebuilt it is cold: `reserve` refuses with `target.cold`, and what
 * ends changes nothing.
 */
export interface RebuildableCapacity extends Capacity {
  /**
   * Asks to rebuild under this token, which is new for each rebuild, not earlier than `settleMs` after the cold was
   * first noticed; without `settleMs` prolongs a claim that is held. It lasts `claimMs`; then another may take over.
   */
  claimRebuild(claim: {
    readonly token: string;
    readonly settleMs?: number;
    readonly claimMs: number;
  }): Promise<RebuildClaim>;
  /** Takes over what the ledger knows and grants from then on; `false` when the claim was lost. Wakes who has room. */
  warm(token: string, use: CountedUse): Promise<boolean>;
  /** The ids of the reservations that are kept for an owner. */
  reservationsOf(owner: string): Promise<readonly string[]>;
}

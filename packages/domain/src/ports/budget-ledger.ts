import type { BatchId } from "../ids.ts";

/**
 * Money as the ledger knows it. A call that has not said what it cost, because it runs or its worker has died, counts
 * with the most that it may cost.
 */
export interface BudgetLedger {
  /** USD that the attempts of a batch's lines have cost, those of lines that were redriven included. */
  batchSpend(id: BatchId): Promise<number>;
  /** USD of the attempts that began at this moment or later and that a budget of this key was held for. */
  keySpend(keyId: string, since: number): Promise<number>;
  /** What a key may spend a day, where that is not left to the configuration. */
  keyUsdPerDay(keyId: string): Promise<number | undefined>;
  /** Ends a batch in progress because its money does not pay for a line; `false` when it is not in progress any more. */
  stopBatch(id: BatchId, now: number): Promise<boolean>;
  /** Ends the batches in progress of whose lines more have failed than `stop_on_error_rate` allows. */
  stopFailingBatches(leaderEpoch: number, now: number): Promise<BatchId[]>;
}

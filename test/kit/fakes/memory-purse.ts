import type { BatchId } from "@sluice/domain";
import type { Purse } from "@sluice/engine";

/** Money as a test says. */
export interface MemoryPurse extends Purse {
  /** USD spent, by key of the budget; of others nothing was. */
  readonly spent: Map<string, number>;
  /** Batches that were ended because their money did not pay for a line. */
  readonly stopped: BatchId[];
}

/** Makes a purse from which nothing was spent. */
export function createMemoryPurse(): MemoryPurse {
  const spent = new Map<string, number>();
  const stopped: BatchId[] = [];
  return {
    spent,
    stopped,
    withSpend: async (_job, budgets) =>
      budgets.map((budget) => ({ ...budget, spentUsd: spent.get(budget.key) ?? 0 })),
    stopBatch: async (id) => void stopped.push(id),
  };
}

/** Enough for a small cluster to keep every worker busy between two rounds of feeding. */
const minimum = 64;
const perSlot = 3;

/**
 * How many pointers a lane may hold: three for each slot of the workers, at least 64.
 * The rest waits in the ledger, where order can still change and a cancelled batch costs nothing.
 */
export function windowSize({ workerSlots }: { readonly workerSlots: number }): number {
  return Math.max(minimum, perSlot * Math.max(0, Math.floor(workerSlots)));
}

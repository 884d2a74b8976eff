/**
 * Token limits are used up to here: an answer longer than expected is charged at arrival by the upstream and only
 * at settling by us, and what is left over absorbs it.
 */
export const tokenShare = 0.97;

/** A limit as the scripts take it: -1 where none is stated. */
export function stated(limit: number | undefined): number {
  return limit ?? -1;
}

/** What of a token limit is used, as `reserve.lua` has it. */
export function sharedLimit(limit: number | undefined): number {
  return limit === undefined ? -1 : Math.max(1, Math.floor(limit * tokenShare));
}

/** Money is counted in whole millionths, rounded up. */
export function microUsd(usd: number): number {
  return whole(usd * 1_000_000);
}

export function whole(amount: number): number {
  return Math.max(0, Math.ceil(amount));
}

/** How refusals name a budget: by the kind that its key begins with. */
export function budgetName(key: string): string {
  return `budget.${key.split(":", 1)[0]}`;
}

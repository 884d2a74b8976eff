/** A limit as the scripts take it: -1 where none is stated. */
export function stated(limit: number | undefined): number {
  return limit ?? -1;
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

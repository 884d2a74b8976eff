/** The value below which this share of the values lies (nearest rank); `null` of none. `sorted` ascends. */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null;
}

/** Numbers in ascending order. */
export function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

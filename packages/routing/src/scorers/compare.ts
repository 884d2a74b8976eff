/**
 * Turns values of which less is better into scores: the least over the value, so twice as much scores half.
 * Unlike a stretch from least to greatest, this leaves a small difference small.
 */
export function scoreByRatio(values: Float64Array): void {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    values[i] = value <= least ? 1 : least / value;
  }
}

/** Turns values of which less is better into scores: (greatest − value) / (greatest − least); 1 for all when equal. */
export function scoreByRange(values: Float64Array): void {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  const range = greatest - least;
  for (let i = 0; i < values.length; i += 1) {
    values[i] = range === 0 ? 1 : (greatest - (values[i] ?? 0)) / range;
  }
}

/** Upper bounds of the horizons, in ms of predicted wait; what is longer is of the last horizon. */
export const horizonsMs = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000] as const;

/** Predictions are held against what comes true by horizon: a wait of seconds errs otherwise than one of hours. */
export function horizonOf(waitMs: number): number {
  const found = horizonsMs.findIndex((boundMs) => waitMs < boundMs);
  return found === -1 ? horizonsMs.length : found;
}

/** Where the bands of effective deadlines begin, in ms from now; the first holds all that are past. */
export const bandBoundsMs = [
  0, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
  3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000,
] as const;

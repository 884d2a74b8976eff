/** Something that was charged to a limit. */
export interface Charge {
  /** Unix milliseconds. */
  readonly at: number;
  readonly amount: number;
}

/** The stretch of time that is looked at, in Unix milliseconds. */
export interface Stretch {
  readonly from: number;
  readonly until: number;
}

const windowMs = 60_000;
const everyMs = 250;

/** Sums of sliding windows of 60 s that end within a stretch. */
export interface SlidingUse {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

/** Sums the charges of every 60 s that end in the stretch, four windows a second. NaN for an empty stretch. */
export function slidingUse(charges: readonly Charge[], { from, until }: Stretch): SlidingUse {
  const sorted = charges.toSorted((a, b) => a.at - b.at);
  const sums: number[] = [];
  let [first, next, sum] = [0, 0, 0];
  for (let at = from; at <= until; at += everyMs) {
    for (; (sorted[next]?.at ?? Number.POSITIVE_INFINITY) <= at; next += 1) sum += sorted[next]?.amount ?? 0;
    for (; (sorted[first]?.at ?? Number.POSITIVE_INFINITY) <= at - windowMs; first += 1)
      sum -= sorted[first]?.amount ?? 0;
    sums.push(sum);
  }
  if (sums.length === 0) return { least: Number.NaN, mean: Number.NaN, most: Number.NaN };
  const mean = sums.reduce((total, one) => total + one, 0) / sums.length;
  return { least: Math.min(...sums), mean, most: Math.max(...sums) };
}

/**
 * The steady part of a backlog's run: from the first full minute to the moment when fewer calls are left than one
 * window takes. `limit` is what a window takes, in the unit of the amounts.
 */
export function steadyPart(charges: readonly Charge[], limit: number): Stretch {
  const sorted = charges.toSorted((a, b) => a.at - b.at);
  let left = sorted.reduce((sum, { amount }) => sum + amount, 0);
  const end = sorted.find(({ amount }) => {
    left -= amount;
    return left < limit;
  });
  return { from: (sorted[0]?.at ?? Number.NaN) + windowMs, until: end?.at ?? Number.NaN };
}

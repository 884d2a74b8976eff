const windowMs = 60_000;

/** A limit over any 60 s, kept strictly: what is charged counts from its moment until a minute later. */
export interface SlidingLimit {
  /** How much more is allowed at this moment; moments do not go back. */
  left(now: number): number;
  charge(now: number, amount: number): void;
}

/** Makes a limit; `undefined` is unlimited. */
export function createSlidingLimit(limit: number | undefined): SlidingLimit {
  if (limit === undefined) return { left: () => Number.POSITIVE_INFINITY, charge: () => undefined };
  let entries: { readonly at: number; readonly amount: number }[] = [];
  let first = 0;
  let sum = 0;
  function slide(now: number): void {
    for (
      let entry = entries[first];
      entry !== undefined && entry.at <= now - windowMs;
      entry = entries[first]
    ) {
      sum -= entry.amount;
      first += 1;
    }
    if (first < 4096) return;
    entries = entries.slice(first);
    first = 0;
  }
  return {
    left(now) {
      slide(now);
      return limit - sum;
    },
    charge(now, amount) {
      entries.push({ at: now, amount });
      sum += amount;
    },
  };
}

/** A call that was served to one of two tenants. */
export interface Service {
  /** Unix milliseconds. */
  readonly at: number;
  readonly tokens: number;
}

/** What two tenants were served, and the weights of their shares. */
export interface Shared {
  readonly mine: readonly Service[];
  readonly theirs: readonly Service[];
  readonly weights: { readonly mine: number; readonly theirs: number };
}

/**
 * The largest difference, within any part of the stretch, between what two backlogged tenants were served per weight.
 * A fair scheduler keeps it under a bound however long they are backlogged: twice the tokens of one full house of
 * calls. Y. Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024, section 4.
 */
export function largestServiceGap(shared: Shared, stretch: { from: number; until: number }): number {
  const events = [
    ...shared.mine.map(({ at, tokens }) => ({ at, change: tokens / shared.weights.mine })),
    ...shared.theirs.map(({ at, tokens }) => ({ at, change: -tokens / shared.weights.theirs })),
  ];
  const within = events.filter(({ at }) => at >= stretch.from && at <= stretch.until);
  let [difference, highest, lowest] = [0, 0, 0];
  for (const { change } of within.sort((a, b) => a.at - b.at)) {
    difference += change;
    highest = Math.max(highest, difference);
    lowest = Math.min(lowest, difference);
  }
  return highest - lowest;
}

const windowMs = 60_000;
const everyMs = 5_000;

/** What each was served per weight in every 60 s that lie within the stretch, one window every 5 s. */
export function serviceByWindow(
  { mine, theirs, weights }: Shared,
  stretch: { from: number; until: number },
): { mine: number; theirs: number }[] {
  const windows: { mine: number; theirs: number }[] = [];
  for (let from = stretch.from; from + windowMs <= stretch.until; from += everyMs) {
    const within = { from, until: from + windowMs };
    windows.push({
      mine: tokensWithin(mine, within) / weights.mine,
      theirs: tokensWithin(theirs, within) / weights.theirs,
    });
  }
  return windows;
}

/** Tokens served in a stretch, its end not included. */
export function tokensWithin(
  services: readonly Service[],
  { from, until }: { from: number; until: number },
): number {
  return services.reduce((sum, { at, tokens }) => sum + (at >= from && at < until ? tokens : 0), 0);
}

/** Counts by name. */
export interface Tally {
  count(name: string): void;
  show(): Record<string, number>;
  clear(): void;
}

/** At most `capacity` names are kept apart; the rest is counted as `(other)`, so that memory stays bounded. */
export function createTally(capacity = 10_000): Tally {
  const counts = new Map<string, number>();
  return {
    count(name) {
      const known = counts.has(name) || counts.size < capacity ? name : "(other)";
      counts.set(known, (counts.get(known) ?? 0) + 1);
    },
    show: () => Object.fromEntries(counts),
    clear: () => counts.clear(),
  };
}

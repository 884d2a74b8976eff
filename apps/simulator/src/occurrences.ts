/** Counts how often each body was admitted, so that a retry of a call draws another fault than the call did. */
export interface Occurrences {
  /** How often the key was counted. */
  peek(key: number): number;
  count(key: number): void;
  clear(): void;
}

/** Keeps the latest `capacity` keys; a key that fell out counts from 0 again. */
export function createOccurrences(capacity = 1_000_000): Occurrences {
  const counts = new Map<number, number>();
  return {
    peek: (key) => counts.get(key) ?? 0,
    count(key) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (counts.size <= capacity) return;
      const oldest = counts.keys().next();
      if (!oldest.done) counts.delete(oldest.value);
    },
    clear: () => counts.clear(),
  };
}

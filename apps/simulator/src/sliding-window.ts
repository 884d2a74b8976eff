/** Length of every limit's window. */
export const windowMs = 60_000;

/** What was counted in the last 60 s: an entry made at t counts for t ≤ now < t + 60 s. */
export interface SlidingWindow {
  readonly count: number;
  readonly sum: number;
  /** Drops what has left the window; `now` is monotonic, in ms. */
  advance(now: number): void;
  /** Adds an entry; call `advance` with the same time first. */
  add(now: number, amount: number): void;
  /** When the entry `index` places after the oldest was made. */
  timeAt(index: number): number;
  amountAt(index: number): number;
  clear(): void;
}

/** A window on a ring of numbers that grows as needed, so that each step costs O(1) amortised. */
export function createSlidingWindow(): SlidingWindow {
  let times = new Float64Array(1024);
  let amounts = new Float64Array(1024);
  let head = 0;
  let count = 0;
  let sum = 0;
  const place = (index: number): number => (head + index) & (times.length - 1);
  const grow = (): void => {
    const wider = [new Float64Array(times.length * 2), new Float64Array(times.length * 2)] as const;
    for (let index = 0; index < count; index += 1) {
      wider[0][index] = times[place(index)] ?? 0;
      wider[1][index] = amounts[place(index)] ?? 0;
    }
    [times, amounts] = wider;
    head = 0;
  };
  return {
    get count() {
      return count;
    },
    get sum() {
      return sum;
    },
    advance(now) {
      while (count > 0 && now - (times[head] ?? 0) >= windowMs) {
        sum -= amounts[head] ?? 0;
        head = place(1);
        count -= 1;
      }
    },
    add(now, amount) {
      if (count === times.length) grow();
      times[place(count)] = now;
      amounts[place(count)] = amount;
      count += 1;
      sum += amount;
    },
    timeAt: (index) => times[place(index)] ?? 0,
    amountAt: (index) => amounts[place(index)] ?? 0,
    clear() {
      head = 0;
      count = 0;
      sum = 0;
    },
  };
}

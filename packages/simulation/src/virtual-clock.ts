import type { Clock } from "@sluice/domain";

/** A clock whose time passes only when everything that could happen at a moment has happened. */
export interface VirtualClock extends Clock {
  /** Runs timers in order of time, promises settling after each, until none is left or `done` says so. */
  run(done: () => boolean): Promise<void>;
}

interface Timer {
  readonly at: number;
  /** Timers of one moment run in the order in which they were set. */
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/** Makes a clock that begins at `startAt` (ms since 1970); its monotonic time is the same. */
export function createVirtualClock(startAt: number): VirtualClock {
  const heap: Timer[] = [];
  let now = startAt;
  let made = 0;
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimer(delayMs, fn) {
      made += 1;
      const timer = { at: now + Math.max(0, delayMs), order: made, fn, cancelled: false };
      push(heap, timer);
      return () => {
        timer.cancelled = true;
      };
    },
    async run(done) {
      await settled();
      while (!done()) {
        const timer = pop(heap);
        if (timer === undefined) return;
        if (timer.cancelled) continue;
        now = Math.max(now, timer.at);
        timer.fn();
        await settled();
      }
    },
  };
}

/** One turn of the event loop: every promise that can settle has settled by then. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A binary heap, the next timer first. */
function push(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(timer, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const child = lesserChild(heap, at);
    const below = heap[child];
    if (below === undefined || !isBefore(below, last)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
  return first;
}

function lesserChild(heap: readonly Timer[], at: number): number {
  const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
  return left !== undefined && right !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
}

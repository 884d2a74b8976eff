import type { Clock } from "@sluice/domain";

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves time on and runs each timer at its moment, in order; promises settle in between. */
  advance(ms: number): Promise<void>;
  /** What a stopped process sees when it goes on: the time is over at once, its timers run afterwards. */
  freeze(ms: number): Promise<void>;
  /** Sets the wall clock forward or back; monotonic time and timers do not notice. */
  stepWall(ms: number): void;
  /** Timers that have neither run nor been cancelled. */
  pendingTimers(): number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Lets promises, and what waits for a turn of the event loop, come to rest. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Makes a clock whose wall time begins at `wallMs` and whose monotonic time begins at 1000. */
export function createFakeClock(wallMs = Date.UTC(2026, 10, 20, 15)): FakeClock {
  const timers = new Set<Timer>();
  let monotonic = 1_000;
  let wall = wallMs - monotonic;
  let made = 0;

  function next(until: number): Timer | undefined {
    const due = [...timers].filter((timer) => timer.at <= until);
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0];
  }

  async function runUntil(until: number): Promise<void> {
    await settled();
    for (let timer = next(until); timer !== undefined; timer = next(until)) {
      timers.delete(timer);
      monotonic = Math.max(monotonic, timer.at);
      timer.fn();
      await settled();
    }
    monotonic = until;
  }

  return {
    now: () => wall + monotonic,
    monotonicMs: () => monotonic,
    setTimer(delayMs, fn) {
      made += 1;
      const timer = { at: monotonic + Math.max(0, delayMs), order: made, fn };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (ms) => runUntil(monotonic + ms),
    freeze(ms) {
      monotonic += ms;
      return runUntil(monotonic);
    },
    stepWall(ms) {
      wall += ms;
    },
    pendingTimers: () => timers.size,
  };
}

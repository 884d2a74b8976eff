import type { Clock } from "@sluice/domain";

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  /** Goes on by `byMs`, running the timers that fall due in their order. */
  advance(byMs: number): Promise<void>;
}

export function createManualClock(): ManualClock {
  let now = 0;
  let timers: { readonly at: number; readonly fn: () => void }[] = [];
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimer(delayMs, fn) {
      const timer = { at: now + delayMs, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(byMs) {
      const end = now + byMs;
      for (;;) {
        const next = timers.filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.at;
        next.fn();
        // What the timer started goes on before time does.
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
    },
  };
}

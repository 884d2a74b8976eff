import type { Clock, Random } from "@sluice/domain";

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fn) {
    // Node's timers overflow above 2^31 - 1 ms and would fire at once.
    const timer = setTimeout(fn, Math.min(delayMs, 2_147_483_647));
    return () => clearTimeout(timer);
  },
};

/** The machine's random numbers. */
export const systemRandom: Random = { next: () => Math.random() };

import type { Clock } from "@sluice/domain";

/** Stops a consumer from claiming for a while after Redis refused a command. */
export interface Brake {
  /** Brakes, longer each time until {@link Brake.release}. */
  pull(): void;
  /** A claim succeeded: the next refusal brakes shortly again. */
  release(): void;
  isOn(): boolean;
  stop(): void;
}

const firstMs = 500;
const longestMs = 10_000;

/**
 * BullMQ's fetch loop asks again at once when Redis answers an error (out of memory, read-only replica,
 * disk full): thousands of refusals a second, for as long as it lasts.
 */
export function createBrake(options: {
  readonly clock: Clock;
  readonly onChange: (isOn: boolean) => void;
}): Brake {
  let pulls = 0;
  let cancel: (() => void) | undefined;
  return {
    pull() {
      if (cancel !== undefined) return;
      const delayMs = Math.min(longestMs, firstMs * 2 ** Math.min(pulls, 10));
      pulls += 1;
      cancel = options.clock.setTimer(delayMs, () => {
        cancel = undefined;
        options.onChange(false);
      });
      options.onChange(true);
    },
    release() {
      pulls = 0;
    },
    isOn: () => cancel !== undefined,
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}

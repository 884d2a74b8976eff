import type { Clock } from "@sluice/domain";

/** Whether `done` settled within `timeoutMs`; its error counts as settled. */
export function within(clock: Clock, timeoutMs: number, done: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(timeoutMs, () => resolve(false));
    const settled = () => {
      cancel();
      resolve(true);
    };
    done.then(settled, settled);
  });
}

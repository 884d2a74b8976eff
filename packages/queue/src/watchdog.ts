import type { Clock } from "@sluice/domain";

export interface WatchdogOptions {
  readonly clock: Clock;
  /** How often to look. */
  readonly everyMs: number;
  /** How long a consumer may stand still beside waiting work. */
  readonly patienceMs: number;
  /** Claims so far. */
  readonly claims: () => number;
  /** Whether the consumer wants to claim and has a slot to do it with. */
  readonly isIdle: () => boolean;
  /** Whether there is something to claim. */
  readonly hasWork: () => Promise<boolean>;
  readonly onStuck: () => void;
  readonly onError: (error: Error) => void;
}

/**
 * Finds a consumer that is alive but deaf: since 2019 BullMQ has had one bug after another in which the
 * blocking connection dies and the worker waits for ever (taskforcesh/bullmq #36, #2466, #4479, #4585).
 * Returns what stops it.
 */
export function startWatchdog(options: WatchdogOptions): () => void {
  const { clock } = options;
  let cancel = () => {};
  let stopped = false;
  let claimsBefore = options.claims();
  let stuckSince: number | undefined;

  async function look(): Promise<void> {
    const still = options.isIdle() && options.claims() === claimsBefore && (await options.hasWork());
    claimsBefore = options.claims();
    if (!still) {
      stuckSince = undefined;
      return;
    }
    stuckSince ??= clock.monotonicMs();
    if (clock.monotonicMs() - stuckSince < options.patienceMs || stopped) return;
    stuckSince = undefined;
    options.onStuck();
  }

  function schedule(): void {
    if (stopped) return;
    cancel = clock.setTimer(options.everyMs, () => {
      look()
        .catch((error: unknown) => options.onError(error instanceof Error ? error : new Error(String(error))))
        .finally(schedule);
    });
  }

  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}

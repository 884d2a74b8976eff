import { type Clock, eventNumber, type JobId, type JobLedger, type Logger } from "@sluice/domain";

const pollEveryMs = 250;

export interface JobWatcher {
  /** Resolves when the job has come further than the event of this number, is gone, or `signal` aborts. */
  beyond(id: JobId, number: number, signal: AbortSignal): Promise<void>;
}

interface Watch {
  readonly id: JobId;
  readonly number: number;
  readonly done: () => void;
}

/** All streams of a process share one query per turn, by primary key; without streams nothing is asked. */
export function createJobWatcher(ports: {
  ledger: Pick<JobLedger, "findStandings">;
  clock: Clock;
  logger: Logger;
}): JobWatcher {
  const watches = new Set<Watch>();
  let polling = false;

  async function poll(): Promise<void> {
    try {
      await look([...watches]);
    } catch (error) {
      ports.logger.warn({ err: error }, "the ledger did not say where the watched jobs stand");
    }
    if (watches.size === 0) polling = false;
    else ports.clock.setTimer(pollEveryMs, () => void poll());
  }

  async function look(asked: readonly Watch[]): Promise<void> {
    const standings = await ports.ledger.findStandings([...new Set(asked.map(({ id }) => id))]);
    for (const { id, number, done } of asked) {
      const standing = standings.get(id);
      if (standing === undefined || eventNumber(standing) > number) done();
    }
  }

  return {
    beyond(id, number, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          signal.removeEventListener("abort", done);
          watches.delete(watch);
          resolve();
        };
        const watch = { id, number, done };
        signal.addEventListener("abort", done);
        watches.add(watch);
        if (polling) return;
        polling = true;
        ports.clock.setTimer(pollEveryMs, () => void poll());
      });
    },
  };
}

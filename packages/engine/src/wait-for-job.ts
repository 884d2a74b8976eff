import type { Clock, JobId, JobLedger, Logger } from "@sluice/domain";

const pollEveryMs = 150;

export interface JobWaiter {
  /** Resolves when the job has ended, `waitMs` are over, or `signal` aborts. */
  wait(id: JobId, waitMs: number, signal: AbortSignal): Promise<void>;
}

/** Many callers that wait for jobs share one query per turn; without callers nothing is asked. */
export function createJobWaiter(ports: {
  ledger: Pick<JobLedger, "endedAmong">;
  clock: Clock;
  logger: Logger;
}): JobWaiter {
  const waiting = new Map<JobId, Set<() => void>>();
  let polling = false;

  async function poll(): Promise<void> {
    try {
      for (const id of await ports.ledger.endedAmong([...waiting.keys()])) {
        for (const done of waiting.get(id) ?? []) done();
      }
    } catch (error) {
      ports.logger.warn({ err: error }, "the ledger did not say which jobs have ended");
    }
    if (waiting.size === 0) polling = false;
    else ports.clock.setTimer(pollEveryMs, () => void poll());
  }

  return {
    wait(id, waitMs, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          cancel();
          signal.removeEventListener("abort", done);
          const callers = waiting.get(id);
          callers?.delete(done);
          if (callers?.size === 0) waiting.delete(id);
          resolve();
        };
        const cancel = ports.clock.setTimer(waitMs, done);
        signal.addEventListener("abort", done);
        waiting.set(id, (waiting.get(id) ?? new Set()).add(done));
        if (polling) return;
        polling = true;
        void poll();
      });
    },
  };
}

import type { Clock, JobId, JobLedger, Logger } from "@sluice/domain";

/** Nobody notices so short a wait behind the answer of a model. */
const shortestPauseMs = 25;
const longestPauseMs = 500;
/** The pause is so many times as long as the ledger took to answer: many who wait cost it a tenth of its time at most. */
const pausePerAnswer = 9;

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
    const askedMs = ports.clock.monotonicMs();
    try {
      for (const id of await ports.ledger.endedAmong([...waiting.keys()])) {
        for (const done of waiting.get(id) ?? []) done();
      }
    } catch (error) {
      ports.logger.warn({ err: error }, "the ledger did not say which jobs have ended");
    }
    const pauseMs = Math.max(shortestPauseMs, (ports.clock.monotonicMs() - askedMs) * pausePerAnswer);
    if (waiting.size === 0) polling = false;
    else ports.clock.setTimer(Math.min(pauseMs, longestPauseMs), () => void poll());
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

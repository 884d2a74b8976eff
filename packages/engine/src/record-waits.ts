import type { Clock, HeldJob, JobId, JobToRun, Logger, WorkerLedger } from "@sluice/domain";

export interface RecordWaitsPorts {
  readonly ledger: Pick<WorkerLedger, "recordWaits">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tells the ledger which jobs are held for room, so that their owners can see it. Nothing waits for it. */
export interface WaitRecorder {
  /** A job is held until `at`, or until room comes free. */
  held(job: JobToRun, hold: { readonly at: number; readonly limit: string }): void;
  /** It is held no longer. */
  over(jobId: JobId): void;
}

/** Who waits shorter than this is not worth a write. */
const shortestMs = 1_000;
const gatherMs = 500;
const mostRows = 500;
/** A moment that has moved by less is not written again. */
const toleranceMs = 10_000;

/**
 * Makes the recorder. It gathers what half a second brings into one statement, drops the jobs that have been started
 * by then, and leaves out those of which the ledger says the same already. What fails is not tried again: the job says
 * so itself when it is held the next time.
 */
export function createWaitRecorder({ ledger, clock, logger }: RecordWaitsPorts): WaitRecorder {
  const pending = new Map<JobId, HeldJob>();
  let gathering = false;

  async function flush(): Promise<void> {
    gathering = false;
    const held = [...pending.values()];
    pending.clear();
    for (let at = 0; at < held.length; at += mostRows) {
      try {
        await ledger.recordWaits(held.slice(at, at + mostRows));
      } catch (error) {
        logger.debug({ err: error }, "the ledger was not told which jobs wait for room");
      }
    }
  }

  return {
    held(job, { at, limit }) {
      pending.delete(job.id);
      if (at - clock.now() <= shortestMs || isRecorded(job, at, limit)) return;
      pending.set(job.id, { jobId: job.id, epoch: job.epoch, notBeforeAt: at, waitingFor: limit });
      if (gathering) return;
      gathering = true;
      clock.setTimer(gatherMs, () => void flush());
    },
    over: (jobId) => void pending.delete(jobId),
  };
}

function isRecorded({ waitingFor, notBeforeAt }: JobToRun, at: number, limit: string): boolean {
  return waitingFor === limit && notBeforeAt !== undefined && Math.abs(at - notBeforeAt) <= toleranceMs;
}

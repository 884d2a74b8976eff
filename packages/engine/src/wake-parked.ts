import type { Capacity, Clock, JobId, LaneWaker, Logger, Metrics, ParkedJob } from "@sluice/domain";

export interface WakeParkedPorts {
  readonly lanes: LaneWaker;
  /** Capacity's, which is made after the waker. */
  readonly leave: Capacity["leave"];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Room may come free between the parking of a job and the moment its pointer is back in the lane. */
const againAfterMs = [20, 100, 300];

/**
 * Makes a function that puts parked jobs back into their lanes. It never rejects: a job that is not woken comes back
 * by itself when its own wait is over.
 */
export function createWaker(ports: WakeParkedPorts): (jobs: readonly ParkedJob[]) => void {
  function wake(model: string, ids: readonly JobId[], round = 0): void {
    ports.lanes.wake(model, ids).then(
      ({ inHand, gone }) => {
        for (const jobId of gone) leave({ jobId, model });
        const delayMs = againAfterMs[round];
        if (inHand.length === 0 || delayMs === undefined) return;
        ports.clock.setTimer(delayMs, () => wake(model, inHand, round + 1));
      },
      (error: unknown) => ports.logger.warn({ model, err: error }, "parked jobs were not woken"),
    );
  }
  function leave(job: ParkedJob): void {
    ports.leave(job).catch((error: unknown) => {
      ports.logger.warn({ jobId: job.jobId, err: error }, "a job that is gone still counts as waiting");
    });
  }

  return (jobs) => {
    ports.metrics.increment("sluice_jobs_woken_total", {}, jobs.length);
    for (const [model, group] of Map.groupBy(jobs, (job) => job.model))
      wake(
        model,
        group.map(({ jobId }) => jobId),
      );
  };
}

import { SluiceJobError } from "./errors.ts";
import type { EndedJob, Job, JobStatus } from "./types.ts";

const isEnd: Readonly<Record<JobStatus, boolean>> = {
  queued: false,
  running: false,
  waiting: false,
  succeeded: true,
  failed: true,
  dead: true,
  cancelled: true,
  expired: true,
};

/** Whether a job of this status will never change again. */
export function isEndStatus(status: JobStatus): boolean {
  return isEnd[status];
}

/** Whether a job will never change again. */
export function hasEnded<Body>(job: Job<Body>): job is EndedJob<Body> {
  return isEndStatus(job.status);
}

/** The upstream's answer to a job that succeeded. Throws a {@link SluiceJobError} for any other ending. */
export function resultOf<Body>(job: EndedJob<Body>): Body {
  if (job.status !== "succeeded") throw new SluiceJobError(job);
  return job.result.body;
}

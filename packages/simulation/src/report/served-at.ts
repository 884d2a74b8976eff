import type { CallRecord, JobRecord } from "../log.ts";

/**
 * When each job stopped waiting: at the call that no other followed (a call that was refused is followed by the next),
 * or when it ended without any. Answers in the order of the jobs.
 */
export function servedAt(jobs: readonly JobRecord[], calls: readonly CallRecord[]): number[] {
  const served = jobs.map((job) => job.finishedAt ?? job.arrivedAt);
  // Calls are in order of time, so the last of a job stays.
  for (const call of calls) served[call.job] = call.at;
  return served;
}

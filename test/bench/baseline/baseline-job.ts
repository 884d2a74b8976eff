/** Name of the baseline's one queue. */
export const baselineQueue = "jobs";

/** What the baseline keeps of a job in Redis: all of it. */
export interface BaselineJob {
  readonly endpoint: string;
  readonly body: Readonly<Record<string, unknown>>;
}

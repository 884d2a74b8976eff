/** What the load generator is asked to send. */
export interface LoadOrder {
  readonly url: string;
  /** The model that the jobs are for. */
  readonly model: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Requests in all. */
  readonly requests: number;
  /** Connections, each with one request under way. */
  readonly connections: number;
  readonly seed: number;
}

/** What came of it. */
export interface LoadResult {
  /** Answers with status 202. */
  readonly accepted: number;
  readonly elapsedMs: number;
  /** Another status that was seen, if any. */
  readonly otherStatus: number | undefined;
  /** Median and 99th percentile of a request's time, in ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a simulation found, as `sluice simulate --json` prints it. */
export interface Report {
  readonly seed: number;
  readonly config_hash: string;
  readonly runs: readonly RunReport[];
}

/** One scheduler's run. Shares are 0..1, durations in ms. */
export interface RunReport {
  readonly scheduler: "sluice" | "fifo" | "static-priority";
  readonly jobs: number;
  readonly succeeded: number;
  readonly expired: number;
  readonly dead: number;
  readonly calls: number;
  /** Calls that an upstream answered with 429. */
  readonly throttled: number;
  readonly spend_usd: number;
  /** From the first arrival to the last ending. */
  readonly makespan_ms: number;
  /** Share of each stated limit that was used from the first call until no job waited any more, at least a minute. */
  readonly utilisation: Readonly<Record<string, Utilisation>>;
  readonly classes: Readonly<Record<string, ClassReport>>;
  readonly tenants: Readonly<Record<string, TenantReport>>;
  readonly eta: Coverage;
}

/** `null` where no such limit is stated. */
export interface Utilisation {
  readonly requests: number | null;
  readonly tokens: number | null;
  readonly concurrency: number | null;
}

export interface ClassReport {
  readonly jobs: number;
  /** Share of the jobs that succeeded by their deadline. */
  readonly attained: number;
  /** From arrival to the first call; `null` when no job was called. */
  readonly wait_ms: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
  readonly eta: Coverage;
}

export interface TenantReport {
  /** Tokens of its answered calls. */
  readonly tokens: number;
  /**
   * Jain's index of the tokens by weight that tenants were served in windows of 60 s in which all of them were
   * backlogged throughout; `null` without such a window.
   */
  readonly jain_window: number | null;
}

/** How the jobs' estimates were kept; `null` without any. */
export interface Coverage {
  /** Share of the jobs with an estimate that finished by it. */
  readonly p50_coverage: number | null;
  readonly p95_coverage: number | null;
  /** Between p50 and p95, the median of all. */
  readonly width_ms: number | null;
  /** The same of a predictor that tells each of these jobs the p50 and p95 that came out in the end. */
  readonly constant_width_ms: number | null;
}

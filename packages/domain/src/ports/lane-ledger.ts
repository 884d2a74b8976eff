/** What the ledger holds of one model's jobs that have not ended. */
export interface LaneBacklog {
  readonly model: string;
  /** Not yet given to the lane. */
  readonly unfedJobs: number;
  /** Their estimated prompts and the most output they state. */
  readonly unfedTokens: number;
  readonly queued: number;
  readonly running: number;
  readonly waiting: number;
  /** When the oldest job was accepted that has never been started. */
  readonly oldestQueuedAt: number | undefined;
}

/** What the ledger holds of one candidate set's jobs that have not ended. */
export interface WindowBacklog {
  readonly candidateSet: string;
  /** In its window, and what they are charged; see `WindowUse`. */
  readonly jobs: number;
  readonly tokens: number;
  /** Those of the window that are shown as waiting for room at their targets. */
  readonly parked: number;
  readonly running: number;
  readonly unfedJobs: number;
  readonly unfedTokens: number;
  /** Tenants that have unfed jobs. */
  readonly unfedTenants: number;
}

/** What an operator sees of the lanes beside their depths in Redis. */
export interface LaneLedger {
  /** Of every model that has a live job, in order of name. */
  laneBacklogs(): Promise<LaneBacklog[]>;
  /** Of every candidate set that has a live job, in order of name. */
  windowBacklogs(retriesBefore: number): Promise<WindowBacklog[]>;
}

/** One call as the upstream saw it; `status` is null while it is in flight, 499 when the caller left. */
export interface SeenCall {
  readonly jobId: string;
  readonly status: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a client was given for one job at one moment. */
export interface ServedResult {
  readonly jobId: string;
  /** The job's state, and a digest of the result's bytes or the error's code. */
  readonly state: string;
  readonly digest: string;
}

/** One webhook as its receiver logged it. */
export interface SeenWebhook {
  readonly webhookId: string;
  readonly type: string;
  readonly objectId: string;
}

/** A row of `outcomes`; tokens are null where the upstream told none. */
export interface OutcomeRow {
  readonly jobId: string;
  readonly batchId: string | null;
  readonly state: string;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costUsd: number;
}

/** A row of `attempts`; `outcome` is null while nobody has said how it ended. */
export interface AttemptRow {
  readonly jobId: string;
  readonly epoch: number;
  readonly outcome: string | null;
}

/** A delivery with the event it carries. */
export interface DeliveryRow {
  readonly eventId: string;
  readonly objectId: string;
  readonly type: string;
  readonly state: string;
}

/** A batch as the API shows it when it has ended. */
export interface BatchReport {
  readonly id: string;
  readonly status: string;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

/** All that is known of a run after it has come to rest. Ids are written as the API writes them. */
export interface RunRecord {
  /** Job ids of every 202 that a client got, lines of batches included. */
  readonly promised: readonly string[];
  readonly calls: readonly SeenCall[];
  /** Calls that the upstream's log no longer holds. */
  readonly callsDropped: number;
  readonly served: readonly ServedResult[];
  readonly webhooks: readonly SeenWebhook[];
  readonly ledger: {
    readonly jobs: readonly string[];
    readonly unfinished: readonly string[];
    readonly outcomes: readonly OutcomeRow[];
    readonly attempts: readonly AttemptRow[];
    readonly deliveries: readonly DeliveryRow[];
  };
  readonly batches: readonly BatchReport[];
  /** USD of one token, as the target's price says. */
  readonly price: { readonly input: number; readonly output: number };
  /** Reservations, places, waiters, pointers, locks, transactions and temporary files that are still there, each in words. */
  readonly leftBehind: readonly string[];
}

/** What a run may cost beyond one call for each outcome. */
export interface Bounds {
  /** Calls that may have been paid for without becoming an outcome. */
  readonly duplicateCalls: number;
  /** Jobs whose endings must have been told by webhook. */
  readonly told: readonly string[];
}

/** A dead letter as `GET /v1/dead-letters` answers it; the fields that the commands read. */
export interface DeadLetterView {
  readonly id: string;
  readonly cause: string;
  readonly calls: readonly {
    readonly outcome: string;
    readonly status_code: number | null;
    readonly count: number;
  }[];
  readonly model: string;
  readonly target: string | null;
  readonly died_at: string;
  readonly error: { readonly code: string };
}

/** A group of `GET /v1/dead-letters?group_by=cause`. */
export interface DeadLetterGroupView {
  readonly cause: string;
  readonly model: string;
  readonly target: string | null;
  readonly count: number;
  readonly newest_at: string;
  readonly sample_ids: readonly string[];
}

/** What `POST /v1/dead-letters/redrive` answers. */
export type RedriveView =
  | {
      readonly dry_run: true;
      readonly count: number;
      readonly skipped: number;
      readonly tokens: { readonly input: number; readonly output: number };
      readonly cost_usd: number;
    }
  | {
      readonly dry_run: false;
      readonly redriven: number;
      readonly skipped: number;
      readonly jobs: readonly { readonly from: string; readonly to: string }[];
    };

/** A lane of `GET /v1/lanes`. */
export interface LaneView {
  readonly model: string;
  /** `null` while Redis cannot be reached. */
  readonly lane: { readonly waiting: number; readonly active: number; readonly delayed: number } | null;
  readonly backlog: { readonly jobs: number; readonly tokens: number };
  readonly jobs: { readonly queued: number; readonly running: number; readonly waiting: number };
  readonly oldest_wait_seconds: number | null;
  /** How estimates of late were kept (shares); `null` while none has come true. */
  readonly estimates: { readonly jobs: number; readonly by_p50: number; readonly by_p95: number } | null;
}

/** A window of `GET /v1/lanes`. */
export interface WindowView {
  readonly candidate_set: string;
  readonly targets: readonly string[];
  readonly jobs: number;
  readonly places: number;
  readonly parked: number;
  readonly running: number;
  readonly backlog: { readonly jobs: number; readonly tokens: number; readonly tenants: number };
}

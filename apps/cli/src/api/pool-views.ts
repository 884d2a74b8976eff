/** A target as `GET /v1/pools` answers it; the fields that the commands read. Null: not known, or not limited. */
export interface TargetView {
  readonly id: string;
  readonly version: string | null;
  readonly state: "active" | "paused" | "draining";
  /** The one that holds. */
  readonly weight: number;
  /** Whether an operator gave it. */
  readonly weight_given: boolean;
  readonly in_flight: number | null;
  readonly use: { readonly requests: number | null; readonly tokens: number | null };
  readonly breaker: { readonly state: string } | null;
  readonly health: {
    readonly ok: boolean;
    readonly passed_at: string | null;
    readonly failures: number;
  } | null;
  readonly paused: { readonly until: string; readonly reason: string | null } | null;
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null };
  readonly error_rate: number | null;
  readonly tokens_per_second: number | null;
  readonly spent_today_usd: number | null;
}

/** A pool as `GET /v1/pools` answers it. */
export interface PoolView {
  readonly id: string;
  readonly targets: readonly TargetView[];
}

/** One call to one target. */
export interface Attempt {
  object: "job.attempt";
  number: number;
  target: string;
  worker: string;
  started_at: string;
  ended_at: string | null;
  outcome: string | null;
  status_code: number | null;
  latency_ms: number | null;
  /** From the call to the first bit of a streamed answer. */
  first_token_ms: number | null;
  usage: { input_tokens: number; output_tokens: number } | null;
  cost_usd: number | null;
}

/** A target that was looked at: why it was dropped, or how it scored. */
export interface RouteCandidate {
  target: string;
  pool: string;
  version?: string;
  dropped?: unknown;
  scores?: Record<string, number>;
  total?: number;
  share?: number;
}

/** Where a job went, or would go now (`dry_run`), and why. */
export interface Route {
  object: "route" | "job.route";
  job_id?: string;
  dry_run: boolean;
  model: string;
  chosen: string | null;
  order: string[];
  candidates: RouteCandidate[];
  rules: unknown[];
  policy: string;
  picker: string;
  propensity: number;
  config_hash: string;
  decided_at: string;
  attempt: number | null;
  failed_targets: string[];
  held_back?: { target: string; limit: string; wait_ms: number }[];
  random: number | null;
  turn: number | null;
  signals: Record<string, Record<string, unknown>>;
}

/** A batch as `GET /v1/batches/{id}` answers it; the fields that the commands read. */
export interface BatchView {
  readonly id: string;
  readonly object: "batch";
  readonly status: string;
  readonly endpoint: string;
  readonly completion_window: string;
  readonly errors: { readonly data: readonly LineErrorView[] } | null;
  readonly output_file_id: string | null;
  readonly error_file_id: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly completed_at?: number | null;
  readonly expired_at?: number | null;
  readonly cancelled_at?: number | null;
  readonly request_counts: {
    readonly total: number;
    readonly completed: number;
    readonly failed: number;
  } | null;
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number } | null;
  readonly sla?: string;
  readonly priority?: number;
  readonly cost_usd?: number;
  readonly max_spend_usd?: number | null;
  readonly stop_on_error_rate?: number | null;
  readonly retry_of?: string | null;
  readonly retried_as?: string | null;
  readonly resume_from?: string | null;
}

export interface LineErrorView {
  readonly code: string;
  readonly line: number | null;
  readonly message: string;
  readonly param: string | null;
}

/** A job as `GET /v1/jobs/{id}` answers it; the fields that the commands read. */
export interface JobView {
  readonly id: string;
  readonly object: "job";
  readonly status: string;
  readonly model: string;
  readonly endpoint: string;
  readonly sla: string;
  readonly priority: number;
  readonly deadline: string;
  readonly created_at: string;
  readonly batch_id?: string;
  readonly attempts?: number;
  readonly not_before?: string;
  /** The limit that it is held for. */
  readonly waiting_for?: string;
  readonly finished_at?: string | null;
  readonly target?: string | null;
  readonly usage?: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cost_usd: number;
  } | null;
  readonly error?: { readonly code: string; readonly message: string };
  readonly redriven_from?: string;
  readonly redriven_as?: string;
  readonly result?: { readonly status_code: number; readonly body: unknown };
}

/** A decision as `GET /v1/jobs/{id}/route` and `POST /v1/route` answer it; the fields that the commands read. */
export interface RouteView {
  /** Absent for a job that does not exist. */
  readonly job_id?: string;
  /** Whether it is what would be decided now, and not what was. */
  readonly dry_run: boolean;
  readonly model: string;
  readonly chosen: string | null;
  /** Best first. */
  readonly order: readonly string[];
  readonly candidates: readonly {
    readonly target: string;
    readonly pool: string;
    readonly version?: string;
    readonly dropped?: { readonly filter: string; readonly reason: string };
    readonly translated_to?: string;
    readonly scores?: Readonly<Record<string, number>>;
    readonly total?: number;
    readonly share?: number;
  }[];
  readonly rules: readonly { readonly index: number; readonly matched: boolean; readonly error?: string }[];
  readonly held_back?: readonly {
    readonly target: string;
    readonly limit: string;
    readonly wait_ms: number;
  }[];
  readonly policy: string;
  readonly picker: string;
  readonly propensity: number;
  readonly attempt: number | null;
  readonly failed_targets: readonly string[];
  readonly config_hash: string;
  readonly decided_at: string;
}

export interface ListView<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly last_id: string | null;
}

export interface FileView {
  readonly id: string;
  readonly bytes: number;
  readonly filename: string;
}

/** Body of `/readyz`. */
export interface ReadinessView {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
  readonly warnings: readonly { readonly cause: string; readonly detail?: string }[];
}

const endedBatch = new Set(["completed", "failed", "expired", "cancelled"]);
const endedJob = new Set(["succeeded", "failed", "dead", "cancelled", "expired"]);

/** Whether the batch will never change again. */
export function isEndedBatch({ status }: BatchView): boolean {
  return endedBatch.has(status);
}

/** Why Sluice itself ended a batch; `undefined` when it did not. */
export function whyStopped({ status, errors }: BatchView): string | undefined {
  const [stop] = status === "cancelling" || status === "cancelled" ? (errors?.data ?? []) : [];
  return stop === undefined ? undefined : `${stop.message} [${stop.code}]`;
}

/** Whether the job will never change again. */
export function isEndedJob({ status }: Pick<JobView, "status">): boolean {
  return endedJob.has(status);
}

// The wire's own spelling, as in the API's document. Written by hand so that the package needs nothing;
// test/client compares them with what contracts read and render.

/** Where a job stands before its end. */
export type LiveJobStatus = "queued" | "running" | "waiting";
/** How a job can end. */
export type EndedJobStatus = "succeeded" | "failed" | "dead" | "cancelled" | "expired";
export type JobStatus = LiveJobStatus | EndedJobStatus;

/** What a request may ask of routing; it only narrows what the cluster's configuration allows. */
export interface RoutingWishes {
  pools?: string[] | undefined;
  targets?: string[] | undefined;
  region?: string | undefined;
  /** USD per million tokens, input and output each. */
  max_price?: number | undefined;
  sort?: "price" | "latency" | "throughput" | undefined;
  /** Ids of targets that must not be used. */
  exclude?: string[] | undefined;
}

/** What can be said of a job beside its request. */
export interface JobOptions {
  /** SLA class of the cluster's configuration. */
  sla?: string | undefined;
  /** A duration (`"10m"`) or a moment (RFC 3339). */
  deadline?: string | undefined;
  /** 0 to 9; 0 by default. */
  priority?: number | undefined;
  webhook_url?: string | undefined;
  webhook_payload?: "thin" | "full" | undefined;
  /** At most 16 pairs. */
  metadata?: Record<string, string> | undefined;
  routing?: RoutingWishes | undefined;
  max_attempts?: number | undefined;
  /** What happens after an attempt that was sent and of which nobody knows how it ended. */
  on_ambiguous?: "retry" | "fail" | undefined;
}

/** What jobs can be sent to; others may come. */
export type Endpoint = KnownEndpoint | (string & Record<never, never>);
export type KnownEndpoint =
  | "/v1/chat/completions"
  | "/v1/responses"
  | "/v1/messages"
  | "/v1/embeddings"
  | "/v1/completions"
  | "/v1/moderations";

/** One request to one model. */
export interface JobRequest extends JobOptions {
  endpoint: Endpoint;
  /** What that endpoint takes, with the model's name. */
  body: object;
}

/** A {@link JobRequest} among many; its key makes it safe to send again for 24 hours. */
export interface BulkRequest extends JobRequest {
  idempotency_key?: string | undefined;
}

interface JobHead {
  id: string;
  object: "job";
  model: string;
  endpoint: string;
  sla: string;
  priority: number;
  /** Times are RFC 3339 with milliseconds. */
  deadline: string;
  created_at: string;
  metadata: Record<string, string>;
  /** Of a line of a batch. */
  batch_id?: string;
  custom_id?: string;
  /** Calls to targets so far; absent in the answer to a submission. */
  attempts?: number;
  redriven_from?: string;
}

/** A job that has not ended. */
export interface LiveJob extends JobHead {
  status: LiveJobStatus;
  /** When it will probably have finished; `null` where nothing can be told. */
  estimate: { p50_at: string | null; p95_at: string | null; at_risk: boolean };
  /** While it waits: when it looks again by itself, and for which limit it is held. */
  not_before?: string;
  waiting_for?: string;
}

interface EndedJobHead extends JobHead {
  finished_at: string | null;
  /** Id of the target that answered last. */
  target: string | null;
  usage: { input_tokens: number; output_tokens: number; cost_usd: number } | null;
}

/** The upstream's answer. `body` is its JSON, or its text where it is none. */
export interface JobResult<Body = unknown> {
  status_code: number;
  body: Body;
}

/** The upstream answered with success. Lists leave `result` out. */
export interface SucceededJob<Body = unknown> extends EndedJobHead {
  status: "succeeded";
  result: JobResult<Body>;
  /** The job of an earlier batch whose result this one has, without a call. */
  carried_from?: string;
}

/** The upstream refused the request for good; `result` is its error. */
export interface FailedJob extends EndedJobHead {
  status: "failed";
  result: JobResult;
}

/** No upstream's answer counts; `error.code` says why (docs/errors.md). */
export interface UnansweredJob extends EndedJobHead {
  status: "dead" | "cancelled" | "expired";
  error?: { code: string; message: string };
  /** The job that runs this dead one's request again. */
  redriven_as?: string;
  result?: JobResult;
}

export type EndedJob<Body = unknown> = SucceededJob<Body> | FailedJob | UnansweredJob;
/** A job; `Body` is the type of a good answer. Tell its kinds apart by `status`. */
export type Job<Body = unknown> = LiveJob | EndedJob<Body>;
/** A job as lists show it. */
export type ListedJob =
  | LiveJob
  | Omit<SucceededJob, "result">
  | Omit<FailedJob, "result">
  | Omit<UnansweredJob, "result">;

/** A change of a job's state. */
export interface JobEvent {
  /** Grows from event to event; `lastEventId` of a later stream. */
  id: string;
  object: "job.event";
  type: `job.${JobStatus}`;
  job_id: string;
  status: JobStatus;
  at: string;
  /** Number and target of the attempt it belongs to. */
  attempt?: number;
  target?: string;
}

/** How good a result is. */
export interface FeedbackRequest {
  /** 0 (useless) to 1. */
  score: number;
  labels?: string[] | Record<string, string> | undefined;
}

/** Feedback as it is kept. */
export interface Feedback {
  object: "job.feedback";
  job_id: string;
  score: number;
  labels: string[] | Record<string, string>;
  created_at: string;
}

/** Which jobs a list shows; all conditions must hold. */
export interface JobFilter {
  status?: JobStatus | readonly JobStatus[] | undefined;
  batch_id?: string | undefined;
  model?: string | undefined;
  sla?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** By age; newest first (`desc`) by default. */
  order?: "asc" | "desc" | undefined;
  /** Jobs fetched at a time, 1 to 100. */
  limit?: number | undefined;
  /** Begin behind the job of this id. */
  after?: string | undefined;
}

/** An error as the API says it. */
export interface ErrorBody {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

/** What became of one request of a bulk call; `index` counts the requests from 0. */
export type BulkAnswer =
  | { index: number; id: string; error?: undefined; replayed?: true }
  | { index: number; id?: undefined; error: BulkError };

/** Why one request of a bulk call was not accepted. */
export interface BulkError extends ErrorBody {
  /** What the request alone would have been answered. */
  status: number;
  /** Seconds. */
  retry_after?: number;
}

import type { EndedJob, ErrorBody } from "./types.ts";

/** Every error of this package. */
export class SluiceError extends Error {
  override readonly name: string = "SluiceError";
}

/** The API answered, and refused. */
export class SluiceApiError extends SluiceError {
  override readonly name = "SluiceApiError";
  readonly status: number;
  /** Stable (docs/errors.md); `undefined` when something before the API answered. */
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** The field at fault. */
  readonly param: string | undefined;
  readonly requestId: string | undefined;
  /** Seconds after which a new try may succeed. */
  readonly retryAfter: number | undefined;
  /** What the API says of trying again, when it says so. */
  readonly shouldRetry: boolean | undefined;
  /** The answer as it came. */
  readonly body: string;

  constructor(response: Pick<Response, "status" | "headers">, body: string, nowMs: number) {
    const told = errorBody(body);
    super(`${response.status} ${told?.message ?? (body.slice(0, 200) || "without a body")}`);
    this.status = response.status;
    this.code = told?.code ?? undefined;
    this.type = told?.type;
    this.param = told?.param ?? undefined;
    this.requestId = response.headers.get("x-request-id") ?? undefined;
    this.retryAfter = retryAfterSeconds(response.headers, nowMs);
    this.shouldRetry = readFlag(response.headers.get("x-should-retry"));
    this.body = body;
  }
}

/** No answer came, or it broke off; `cause` says why. */
export class SluiceConnectionError extends SluiceError {
  override readonly name = "SluiceConnectionError";
}

/** The time that the caller gave for a job's end is over. The job goes on. */
export class SluiceTimeoutError extends SluiceError {
  override readonly name = "SluiceTimeoutError";
  readonly jobId: string;
  constructor(jobId: string, timeoutMs: number) {
    super(`${jobId} has not ended within ${timeoutMs} ms; it goes on`);
    this.jobId = jobId;
  }
}

/** A job ended without success; thrown by `resultOf` only. */
export class SluiceJobError extends SluiceError {
  override readonly name = "SluiceJobError";
  readonly job: EndedJob;
  constructor(job: EndedJob) {
    super(`${job.id} is ${job.status}${reasonOf(job)}`);
    this.job = job;
  }
}

function reasonOf(job: EndedJob): string {
  if (job.status === "failed") return `: the upstream answered ${job.result.status_code}`;
  return job.status !== "succeeded" && job.error !== undefined ? `: ${job.error.message}` : "";
}

function errorBody(body: string): ErrorBody | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: ErrorBody };
    return typeof error?.message === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

function readFlag(value: string | null): boolean | undefined {
  return value === "true" ? true : value === "false" ? false : undefined;
}

/** Seconds, from `retry-after-ms` or `retry-after` (seconds or a date). */
function retryAfterSeconds(headers: Headers, nowMs: number): number | undefined {
  const ms = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (ms >= 0) return ms / 1000;
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - nowMs) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** Every error a caller can meet, with its HTTP status and OpenAI `type`. docs/errors.md lists the same codes. */
export const errorCatalogue = {
  invalid_json: { status: 400, type: "invalid_request_error" },
  invalid_request: { status: 400, type: "invalid_request_error" },
  missing_required_parameter: { status: 400, type: "invalid_request_error" },
  unknown_parameter: { status: 400, type: "invalid_request_error" },
  invalid_value: { status: 400, type: "invalid_request_error" },
  duplicate_key: { status: 400, type: "invalid_request_error" },
  unknown_model: { status: 400, type: "invalid_request_error" },
  unsupported_endpoint: { status: 400, type: "invalid_request_error" },
  untranslatable_request: { status: 400, type: "invalid_request_error" },
  webhook_url_forbidden: { status: 400, type: "invalid_request_error" },
  bytes_mismatch: { status: 400, type: "invalid_request_error" },
  checksum_mismatch: { status: 400, type: "invalid_request_error" },
  too_many_webhook_endpoints: { status: 400, type: "invalid_request_error" },
  too_many_webhook_secrets: { status: 400, type: "invalid_request_error" },
  nothing_to_retry: { status: 400, type: "invalid_request_error" },
  empty_file: { status: 400, type: "invalid_request_error" },
  invalid_multipart: { status: 400, type: "invalid_request_error" },
  invalid_api_key: { status: 401, type: "authentication_error" },
  permission_denied: { status: 403, type: "permission_error" },
  tenant_disabled: { status: 403, type: "permission_error" },
  not_found: { status: 404, type: "invalid_request_error" },
  method_not_allowed: { status: 405, type: "invalid_request_error" },
  wait_over: { status: 408, type: "timeout_error" },
  already_ended: { status: 409, type: "invalid_request_error" },
  not_ended: { status: 409, type: "invalid_request_error" },
  tenant_exists: { status: 409, type: "invalid_request_error" },
  configured_tenant: { status: 409, type: "invalid_request_error" },
  key_ended: { status: 409, type: "invalid_request_error" },
  would_lock_out: { status: 409, type: "invalid_request_error" },
  already_retried: { status: 409, type: "invalid_request_error" },
  call_cancelled: { status: 409, type: "invalid_request_error" },
  webhook_endpoint_disabled: { status: 409, type: "invalid_request_error" },
  payload_too_large: { status: 413, type: "invalid_request_error" },
  unsupported_media_type: { status: 415, type: "invalid_request_error" },
  range_not_satisfiable: { status: 416, type: "invalid_request_error" },
  idempotency_key_reused: { status: 422, type: "invalid_request_error" },
  webhook_test_failed: { status: 422, type: "invalid_request_error" },
  enqueued_tokens_exceeded: { status: 429, type: "rate_limit_error" },
  internal_error: { status: 500, type: "server_error" },
  call_dead: { status: 502, type: "server_error" },
  queue_full: { status: 503, type: "server_error" },
  deadline_unattainable: { status: 503, type: "server_error" },
  ledger_unavailable: { status: 503, type: "server_error" },
  file_store_unavailable: { status: 503, type: "server_error" },
  signals_unavailable: { status: 503, type: "server_error" },
  wait_interrupted: { status: 503, type: "server_error" },
  call_expired: { status: 504, type: "server_error" },
} as const satisfies Record<string, { status: number; type: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An expected refusal on its way to the caller; its message may be shown and holds no content of requests. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  constructor(
    code: ErrorCode,
    message: string,
    options: { param?: string; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.param = options.param;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Codes of failures that end a job or a line without a result of the upstream. */
export const jobFailureCodes = {
  attempts_exhausted: "All attempts failed; the job is in the dead-letter queue.",
  no_target: "No target of the configuration can serve this request.",
  quarantined: "The job lost too many workers while it ran; it stays out until it is redriven.",
  ambiguous_attempt: "An attempt was sent and never settled, and on_ambiguous is fail.",
  batch_expired: "This request could not be executed before the completion window expired.",
  job_expired: "The deadline passed before the job could finish.",
  batch_cancelled: "The batch was cancelled before this request was executed.",
  batch_budget_exhausted: "What was left of the batch's max_spend_usd did not pay for the next line.",
  batch_error_rate_exceeded: "More lines of the batch failed than its stop_on_error_rate allows.",
  job_cancelled: "The job was cancelled.",
  caller_gone: "Whoever waited for the job went away before its first attempt.",
  stream_interrupted: "The answer broke off after part of it had been streamed.",
} as const;

export type JobFailureCode = keyof typeof jobFailureCodes;

/** Codes of faults in a batch's file, beside those of {@link errorCatalogue} that name a field of a line. */
export const batchErrorCodes = {
  duplicate_custom_id: "An earlier line of the file has the same custom_id.",
  too_many_lines: "The file has more lines than a batch may have.",
  too_many_inputs: "The lines have more inputs of embeddings together than a batch may have.",
  token_limit_exceeded: "The lines count more tokens than are left of the tenant's enqueued_tokens.",
} as const;

export type BatchErrorCode = keyof typeof batchErrorCodes | ErrorCode;

/** Why Sluice itself ends a batch, with the field that asked for it and the code of the lines that it cancels. */
export const batchStops = {
  max_spend_reached: {
    message: "What is left of 'max_spend_usd' does not pay for the next line at its worst case.",
    param: "max_spend_usd",
    lineCode: "batch_budget_exhausted",
  },
  error_rate_exceeded: {
    message: "More of the lines that have ended failed than 'stop_on_error_rate' allows.",
    param: "stop_on_error_rate",
    lineCode: "batch_error_rate_exceeded",
  },
} as const satisfies Record<string, { message: string; param: string; lineCode: JobFailureCode }>;

export type BatchStop = keyof typeof batchStops;

/** For the default branch of an exhaustive switch. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value of kind ${String((value as { kind?: unknown }).kind ?? typeof value)}`);
}

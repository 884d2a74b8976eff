import { type ErrorCode, errorCatalogue, type SluiceError } from "@sluice/domain";

/** OpenAI's error envelope. */
export function renderError(error: SluiceError): { error: Record<string, unknown> } {
  const { type } = errorCatalogue[error.code];
  return { error: { message: error.message, type, param: error.param ?? null, code: error.code } };
}

type ErrorStatus = (typeof errorCatalogue)[ErrorCode]["status"];

/**
 * Anthropic's `error.type` by status, as its clients name them (`ErrorType` of `@anthropic-ai/sdk` 1.10; the error of
 * 413 stands in Anthropic's documentation alone). docs/errors.md has the same table.
 */
export const anthropicErrorTypes = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  405: "invalid_request_error",
  408: "timeout_error",
  409: "conflict_error",
  413: "request_too_large",
  415: "invalid_request_error",
  416: "invalid_request_error",
  422: "invalid_request_error",
  429: "rate_limit_error",
  500: "api_error",
  502: "api_error",
  503: "overloaded_error",
  504: "timeout_error",
} as const satisfies Record<ErrorStatus, string>;

export type AnthropicErrorType = (typeof anthropicErrorTypes)[keyof typeof anthropicErrorTypes];

/** The type of an error that another API gave with this status. */
export function anthropicErrorType(status: number): AnthropicErrorType {
  const types: Readonly<Record<number, AnthropicErrorType>> = anthropicErrorTypes;
  return types[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

/**
 * Anthropic's error envelope. Our code and field stand in `details`, where its clients read `errorCode`. `requestId` is
 * that of the answer; an error inside of an answer has none.
 */
export function renderAnthropicError(error: SluiceError, requestId: string | null): Record<string, unknown> {
  const type = anthropicErrorTypes[errorCatalogue[error.code].status];
  const details = { error_code: error.code, param: error.param ?? null };
  return { type: "error", error: { type, message: error.message, details }, request_id: requestId };
}

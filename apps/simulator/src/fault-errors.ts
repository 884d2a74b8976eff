import { type ApiError, apiError } from "./api-error.ts";

type Words = readonly [message: string, type: string, code: string | null];

const words: ReadonlyMap<number, Words> = new Map<number, Words>([
  [400, ["The request was rejected.", "invalid_request_error", "invalid_request"]],
  [401, ["Incorrect API key provided.", "invalid_request_error", "invalid_api_key"]],
  [402, ["Your account has no credit left.", "insufficient_quota", "insufficient_quota"]],
  [403, ["You are not allowed to use this model.", "permission_error", "permission_denied"]],
  [
    404,
    ["The model does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"],
  ],
  [408, ["The request timed out.", "timeout_error", "request_timeout"]],
  [409, ["The request conflicts with another one.", "invalid_request_error", "conflict"]],
  [413, ["The request is too large.", "invalid_request_error", "request_too_large"]],
  [415, ["The content type is not supported.", "invalid_request_error", "unsupported_content_type"]],
  [422, ["The request could not be processed.", "invalid_request_error", "unprocessable_entity"]],
  [425, ["Too early.", "server_error", null]],
  [429, ["Rate limit reached.", "requests", "rate_limit_exceeded"]],
  [498, ["Flex capacity is exceeded.", "server_error", "capacity_exceeded"]],
  [500, ["The server had an error while processing your request.", "server_error", null]],
  [502, ["Bad gateway.", "server_error", null]],
  [
    503,
    ["The engine is currently overloaded, please try again later.", "server_error", "service_unavailable"],
  ],
  [504, ["The gateway timed out.", "server_error", null]],
  [529, ["Overloaded.", "overloaded_error", "overloaded"]],
]);

/** The statuses that can be asked for as a fault. */
export const faultStatuses: ReadonlySet<number> = new Set(words.keys());

/** The error answer of an injected status. */
export function faultError(status: number): ApiError {
  const [message, type, code] = words.get(status) ?? ["Injected error.", "server_error", null];
  return apiError(status, `${message} (injected)`, { type, code });
}

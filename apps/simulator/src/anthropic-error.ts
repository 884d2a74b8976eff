import { type ApiError, renderError } from "./api-error.ts";

const messagesPath = "/v1/messages";

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** True for a path at which Anthropic's dialect is spoken. */
export function isAnthropicPath(path: string): boolean {
  return path === messagesPath;
}

/** The error's envelope at this path: Anthropic's below `/v1/messages`, else OpenAI's. */
export function renderErrorAt(path: string, error: ApiError, requestId: string): string {
  if (!isAnthropicPath(path)) return renderError(error);
  const { status, message } = error;
  const type = types[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return JSON.stringify({ type: "error", error: { type, message }, request_id: requestId });
}

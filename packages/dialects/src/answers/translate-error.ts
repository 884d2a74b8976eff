import type { Dialect } from "../dialect.ts";
import { type Fields, isFields, textOf } from "../fields.ts";

export interface ErrorToTranslate {
  /** What the target speaks. */
  readonly from: Dialect;
  /** What the client speaks. */
  readonly to: Dialect;
  readonly statusCode: number;
  /** The parsed body; `undefined` when it was no JSON object. */
  readonly body: Fields | undefined;
  /** The upstream's id of the exchange. */
  readonly requestId?: string | undefined;
}

/**
 * Says an upstream's error in the client's envelope. The message stays as it is; a field that it names is one of the
 * translated request, so `param` is left out. `undefined`: both dialects have the same envelope, and the bytes can stay.
 */
export function translateError({
  from,
  to,
  statusCode,
  body,
  requestId,
}: ErrorToTranslate): Fields | undefined {
  const isAnthropic = to === "messages";
  if (isAnthropic === (from === "messages")) return undefined;
  const message = messageOf(body) ?? `The upstream answered ${statusCode}.`;
  const { type, code } = isFields(body?.["error"]) ? body["error"] : (body ?? {});
  if (isAnthropic)
    return {
      type: "error",
      error: { type: anthropicTypes[statusCode] ?? "invalid_request_error", message },
      request_id: requestId ?? null,
    };
  const said = textOf(type) ?? "invalid_request_error";
  const isTooLarge = said === "request_too_large";
  return {
    error: {
      message,
      type: isTooLarge ? "invalid_request_error" : said,
      param: null,
      code: isTooLarge ? said : (textOf(code) ?? null),
    },
  };
}

/** Anthropic's words for statuses (docs.claude.com, errors). */
const anthropicTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
};

/** In OpenAI's and Anthropic's envelope, in vLLM's older one, and in FastAPI's. */
function messageOf(body: Fields | undefined): string | undefined {
  const { error, message, detail } = body ?? {};
  if (isFields(error)) return textOf(error["message"]);
  return textOf(error) ?? textOf(message) ?? textOf(detail);
}

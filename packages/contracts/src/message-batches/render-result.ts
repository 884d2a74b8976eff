import {
  assertNever,
  type Batch,
  type EndedLine,
  type JobRefusal,
  type JobResult,
  SluiceError,
} from "@sluice/domain";
import { type AnthropicErrorType, anthropicErrorType, renderAnthropicError } from "../error-envelope.ts";
import { jsonBody } from "../output-line.ts";
import { isJsonObject } from "../parse-json.ts";

/** A finished line of a message batch as its results have it, newline included. `body` are the bytes of its answer. */
export function renderMessageResult(line: EndedLine, body: Buffer | undefined): Buffer {
  switch (line.state) {
    case "succeeded":
      return resultLine(line.customId, succeeded(line, body));
    case "failed":
    case "dead":
      return resultLine(line.customId, errored(errorOf(line, body)));
    case "cancelled":
      return resultLine(line.customId, '{"type":"canceled"}');
    case "expired":
      return resultLine(line.customId, '{"type":"expired"}');
    default:
      return assertNever(line.state);
  }
}

/** The same of a request of a batch that ended before its requests came into the ledger. */
export function renderUnrunResult(batch: Pick<Batch, "status" | "errors">, customId: string): Buffer {
  if (batch.status !== "failed") return resultLine(customId, '{"type":"canceled"}');
  const [fault] = batch.errors;
  const isQuota = fault?.code === "token_limit_exceeded";
  const message = fault?.message ?? "The batch could not be run.";
  return resultLine(
    customId,
    errored(errorBody(isQuota ? "rate_limit_error" : "api_error", message, fault?.code)),
  );
}

/** The answer of a request that cannot run, as Anthropic would have given it. */
export function renderRefusal(error: SluiceError): JobRefusal {
  const isUnknownModel = error.code === "unknown_model";
  const told = new SluiceError(
    isUnknownModel ? "not_found" : error.code,
    error.message,
    error.param === undefined ? {} : { param: error.param.replace(/^body\./, "") },
  );
  const body = renderAnthropicError(told, null);
  return { statusCode: isUnknownModel ? 404 : 400, body: Buffer.from(JSON.stringify(body)) };
}

function resultLine(customId: string, result: Buffer | string): Buffer {
  const head = `{"custom_id":${JSON.stringify(customId)},"result":`;
  return Buffer.concat([Buffer.from(head), Buffer.from(result), Buffer.from("}\n")]);
}

function succeeded({ result }: EndedLine, body: Buffer | undefined): Buffer {
  const message = result === undefined || body === undefined ? Buffer.from("null") : jsonBody(result, body);
  return Buffer.concat([Buffer.from('{"type":"succeeded","message":'), message, Buffer.from("}")]);
}

function errored(error: unknown): string {
  return JSON.stringify({ type: "errored", error });
}

function errorOf({ result, failure }: EndedLine, body: Buffer | undefined): unknown {
  if (result !== undefined && body !== undefined) return upstreamError(result, body);
  const code = failure?.code;
  return errorBody(typeOfFailure(code), failure?.message ?? "The request did not end well.", code);
}

/** Whether it was the request that could not be served, or we that could not serve it. */
function typeOfFailure(code: string | undefined): AnthropicErrorType {
  return code === "no_target" ? "invalid_request_error" : "api_error";
}

/** Anthropic's error body of a target as it is; that of another API by its status and message. */
function upstreamError({ statusCode, upstreamRequestId }: JobResult, body: Buffer): unknown {
  const answer = parsed(body);
  const error = isJsonObject(answer) ? answer.error : undefined;
  const requestId = upstreamRequestId ?? null;
  if (isJsonObject(answer) && answer.type === "error" && isJsonObject(error))
    return { ...answer, request_id: answer.request_id ?? requestId };
  const told = isJsonObject(error) && typeof error.message === "string" ? error.message : undefined;
  const message = told ?? `The upstream answered ${statusCode}.`;
  return { type: "error", error: { type: anthropicErrorType(statusCode), message }, request_id: requestId };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

function errorBody(type: AnthropicErrorType, message: string, code: string | undefined): unknown {
  const details = code === undefined ? {} : { details: { error_code: code } };
  return { type: "error", error: { type, message, ...details }, request_id: null };
}

import { renderAnthropicError, renderError } from "@sluice/contracts";
import { type ErrorCode, errorCatalogue, type Logger, SluiceError } from "@sluice/domain";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { errorDialectOf } from "./error-dialect.ts";
import { readAway } from "./read-away.ts";

/** Answers every error in the envelope of the path's dialect; what we did not expect is logged and says nothing of itself. */
export function handleErrors(server: FastifyInstance, logger: Logger): void {
  server.setErrorHandler(async (error: FastifyError, request, reply) => {
    const known = toSluiceError(error);
    const { status } = errorCatalogue[known.code];
    if (status >= 500 && !pointlessStatuses.has(status)) {
      logger.error(
        { requestId: request.id, route: request.routeOptions.url, err: error },
        "a request failed",
      );
    }
    if (known.code === "payload_too_large") await readAway(request.raw);
    return sendError(reply, known);
  });
  server.setNotFoundHandler((request, reply) => sendError(reply, unknownUrl(request)));
}

/** Answers a URL that the router cannot even read: no hook of ours has run. */
export function refuseUrl(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  nameRequest(request, reply);
  sendError(reply, unknownUrl(request));
}

/** Puts the request's id on the answer, by the names that the clients of OpenAI and of Anthropic read. */
export function nameRequest({ id }: FastifyRequest, reply: FastifyReply): void {
  reply.header("x-request-id", id).header("request-id", id).header("x-content-type-options", "nosniff");
}

function unknownUrl({ url, method }: FastifyRequest): SluiceError {
  const path = url.split("?")[0] ?? "";
  return new SluiceError("not_found", `Unknown request URL: ${method} ${path.slice(0, 200)}.`);
}

/** A lost ledger is back within seconds, or an operator is needed. */
const unavailableSeconds = 2;

/** OpenAI's clients wait no longer; told to, they would come again within seconds. */
const longestWaitSeconds = 60;

/** Where the job has ended, or goes on by itself: trying again would buy another one, or the same answer. */
const pointlessStatuses: ReadonlySet<number> = new Set([408, 409, 502, 504]);

/** Sends an error with the headers that tell a client whether to try again. */
export function sendError(reply: FastifyReply, error: SluiceError): FastifyReply {
  const { status } = errorCatalogue[error.code];
  const retryAfterSeconds = error.retryAfterSeconds ?? (status === 503 ? unavailableSeconds : undefined);
  if (retryAfterSeconds !== undefined) reply.header("retry-after", String(retryAfterSeconds));
  if (pointlessStatuses.has(status) || (retryAfterSeconds ?? 0) > longestWaitSeconds)
    reply.header("x-should-retry", "false");
  const { request } = reply;
  const body =
    errorDialectOf(request) === "anthropic" ? renderAnthropicError(error, request.id) : renderError(error);
  return reply.code(status).type("application/json").send(body);
}

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  404: "not_found",
  413: "payload_too_large",
  415: "unsupported_media_type",
};

function toSluiceError(error: FastifyError): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = byStatus[error.statusCode ?? 500];
  if (code === undefined)
    return new SluiceError("internal_error", "Something went wrong here.", { cause: error });
  return new SluiceError(
    code,
    code === "payload_too_large" ? "The request body is too large." : messageOf(error),
    { cause: error },
  );
}

/** Fastify's own messages name no content. */
function messageOf(error: FastifyError): string {
  return error.code?.startsWith("FST_") ? error.message : "The request is not valid.";
}

import { errors } from "undici";
import { ForbiddenAddressError, ResolveError } from "./guarded-connector.ts";
import type { SendFailureReason } from "./send-result.ts";

const timeoutCodes = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);
const resetCodes = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET"]);
const connectCodes = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "EACCES",
  "EPERM",
]);
const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/** The reason an HTTP attempt threw for; undefined when the error is not a way for a receiver to fail, i.e. a bug. */
export function classifyFailure(error: unknown): SendFailureReason | undefined {
  if (error instanceof ForbiddenAddressError) return "forbidden-address";
  if (error instanceof ResolveError) return "dns";
  if (error instanceof AggregateError) return "connect"; // every address was tried and refused
  if (error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError)
    return "malformed-answer";
  const code = codeOf(error);
  if (timeoutCodes.has(code)) return "timeout";
  if (resetCodes.has(code)) return "reset";
  if (connectCodes.has(code)) return "connect";
  if (tlsCode.test(code)) return "tls";
  return undefined;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

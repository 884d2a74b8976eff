import type { Outcome } from "@sluice/domain";
import type { DistributiveOmit } from "./distributive-omit.ts";

/** How a call ended that got no complete answer. */
export type Failure = Extract<Outcome, { kind: "unreachable" | "timed-out" | "malformed" | "aborted" }>;
type FailureKind = DistributiveOmit<Failure, "latencyMs" | "sentAfterMs">;
/**
 * Says what an error of the HTTP client means. Only codes are passed on, never messages: those can carry addresses
 * and header values.
 */
export function classifyFailure(error: unknown): FailureKind {
  const code = codeOf(error);
  switch (code) {
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return { kind: "timed-out", phase: "connect" };
    case "UND_ERR_HEADERS_OVERFLOW":
    case "UND_ERR_INVALID_RETURN_VALUE":
      return { kind: "malformed", reason: code };
    default:
      return isParserError(error)
        ? { kind: "malformed", reason: "it is not HTTP" }
        : { kind: "unreachable", reason: code };
  }
}

/** Why the caller's signal stopped a call; a reason that is not one of ours counts as a shutdown. */
export function abortReason(signal: AbortSignal): "shutdown" | "lease-lost" | "cancelled" {
  const reason: unknown = signal.reason;
  return reason === "lease-lost" || reason === "cancelled" ? reason : "shutdown";
}

/** undici gives these a code only sometimes. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === "HTTPParserError";
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === "string") return code;
  return cause === undefined ? "unknown" : codeOf(cause);
}

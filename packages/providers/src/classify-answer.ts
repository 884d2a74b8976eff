import { isUtf8 } from "node:buffer";
import type { Outcome } from "@sluice/domain";
import type { DistributiveOmit } from "./distributive-omit.ts";
import { parseRateLimits } from "./parse-rate-limits.ts";
import { parseRetryAfter } from "./parse-retry-after.ts";
import { parseUsage } from "./parse-usage.ts";
import { headerOf, type ResponseHeaders } from "./response-headers.ts";

/** A complete answer of an upstream. */
export interface RawAnswer {
  readonly statusCode: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer;
}

interface Timing {
  readonly latencyMs: number;
  readonly sentAfterMs: number;
}

/** Says what a complete answer means for its job (the table of statuses in docs/next-steps.md). `now` is ms since 1970. */
export function classifyAnswer(answer: RawAnswer, timing: Timing, now: number): Outcome {
  const { statusCode, headers } = answer;
  const rateLimits = parseRateLimits(headers, now);
  const timed = rateLimits === undefined ? timing : { ...timing, rateLimits };
  switch (kindOf(statusCode)) {
    case "success":
      return { ...judgeSuccess(answer), ...timed };
    case "refused":
      return { kind: "refused", answer: keptAnswer(answer), ...timed };
    case "misconfigured":
      return { kind: "misconfigured", statusCode, ...timed };
    case "throttled":
      return { kind: "throttled", statusCode, retryAfterMs: parseRetryAfter(headers, now), ...timed };
    case "overloaded":
      return { kind: "overloaded", statusCode, retryAfterMs: parseRetryAfter(headers, now), ...timed };
    case "unexpected":
      return { kind: "malformed", reason: `unexpected status ${statusCode}`, ...timed };
  }
}

type StatusKind = "success" | "refused" | "misconfigured" | "throttled" | "overloaded" | "unexpected";

const statusKinds: Readonly<Record<number, StatusKind>> = {
  400: "refused",
  413: "refused",
  415: "refused",
  422: "refused",
  401: "misconfigured",
  402: "misconfigured",
  403: "misconfigured",
  404: "misconfigured",
  429: "throttled",
  498: "throttled",
  408: "overloaded",
  409: "overloaded",
  425: "overloaded",
};

/** Redirects and statuses that no provider documents are `unexpected`: tried elsewhere, the target is not blamed. */
function kindOf(statusCode: number): StatusKind {
  if (statusCode >= 200 && statusCode < 300) return "success";
  if (statusCode >= 500) return "overloaded";
  return statusKinds[statusCode] ?? "unexpected";
}

function judgeSuccess(
  answer: RawAnswer,
): DistributiveOmit<Extract<Outcome, { kind: "succeeded" | "malformed" }>, "latencyMs"> {
  const contentType = contentTypeOf(answer);
  if (!/^application\/([\w.-]+\+)?json\b/i.test(contentType))
    return malformed("the content type is not JSON");
  if (headerOf(answer.headers, "content-encoding") !== undefined) return malformed("it is encoded unasked");
  if (!isUtf8(answer.body)) return malformed("it is not UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(answer.body.toString("utf8"));
  } catch {
    return malformed("it is not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return malformed("it is not a JSON object");
  const { error } = value as { readonly error?: unknown };
  if (error !== undefined && error !== null) return malformed("it carries an error");
  return { kind: "succeeded", answer: keptAnswer(answer), usage: parseUsage(value) };
}

function malformed(reason: string): { readonly kind: "malformed"; readonly reason: string } {
  return { kind: "malformed", reason };
}

function keptAnswer(answer: RawAnswer) {
  return {
    statusCode: answer.statusCode,
    contentType: contentTypeOf(answer),
    body: answer.body,
    requestId: headerOf(answer.headers, "x-request-id") ?? headerOf(answer.headers, "request-id"),
  };
}

/** Some servers leave the type of JSON out; whether it is JSON is then seen by parsing. */
function contentTypeOf({ headers }: RawAnswer): string {
  return headerOf(headers, "content-type") ?? "application/json";
}

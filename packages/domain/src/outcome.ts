import type { JobFailureCode } from "./errors.ts";
import type { Usage } from "./job.ts";

/** What an upstream's rate-limit headers said; absent or non-positive limits mean unknown. */
export interface RateLimitReport {
  readonly requests?: LimitReading;
  readonly tokens?: LimitReading;
}

export interface LimitReading {
  readonly limit?: number;
  readonly remaining?: number;
  /** Until the limit is full again. */
  readonly resetMs?: number;
}

interface Answer {
  readonly statusCode: number;
  readonly contentType: string;
  /** The upstream's bytes as received. */
  readonly body: Buffer;
  readonly requestId: string | undefined;
}

interface Timed {
  /** From the first byte sent to the last byte received. */
  readonly latencyMs: number;
  /** From the start of the call to the moment the request was on the wire; `undefined` if it never was. */
  readonly sentAfterMs?: number;
  /** From the first byte sent to the first part of a streamed answer that holds some of it. */
  readonly firstTokenMs?: number;
  readonly rateLimits?: RateLimitReport;
}

/** How one attempt ended. Closed: every reader switches over `kind` exhaustively. */
export type Outcome =
  | ({ readonly kind: "succeeded"; readonly answer: Answer; readonly usage: Usage | undefined } & Timed)
  /** Refused for good: the request is at fault (400, 413, 415, 422). */
  | ({ readonly kind: "refused"; readonly answer: Answer } & Timed)
  /** Our credential or model name is wrong for this target (401–404). */
  | ({ readonly kind: "misconfigured"; readonly statusCode: number } & Timed)
  | ({
      readonly kind: "throttled";
      readonly statusCode: number;
      readonly retryAfterMs: number | undefined;
    } & Timed)
  | ({
      readonly kind: "overloaded";
      readonly statusCode: number;
      readonly retryAfterMs: number | undefined;
    } & Timed)
  /** No connection, or reset before a complete answer. */
  | ({ readonly kind: "unreachable"; readonly reason: string } & Timed)
  | ({ readonly kind: "timed-out"; readonly phase: "connect" | "headers" | "body" } & Timed)
  /** An answer that cannot be a result: broken JSON, a wrong content type, 200 with an error inside. */
  | ({ readonly kind: "malformed"; readonly reason: string } & Timed)
  /** We stopped it, or never made it: shutdown, lost lease, cancelled job, a budget that no longer holds its money. */
  | ({
      readonly kind: "aborted";
      readonly reason: "shutdown" | "lease-lost" | "cancelled" | "reservation-lost";
    } & Timed);

export type OutcomeKind = Outcome["kind"];

/** What a job does after an outcome. */
export type NextStep =
  | { readonly kind: "complete"; readonly state: "succeeded" | "failed" }
  /** Wait without spending an attempt. */
  | { readonly kind: "snooze"; readonly delayMs: number }
  | { readonly kind: "retry"; readonly delayMs: number; readonly avoidTarget: boolean }
  | { readonly kind: "dead-letter"; readonly code: JobFailureCode }
  | { readonly kind: "expire" };

/** Why no answer came. `aborted` is our own doing (shutdown): such an attempt should not be counted. */
export type SendFailureReason =
  | "timeout"
  | "connect"
  | "tls"
  | "forbidden-address"
  | "forbidden-url"
  | "dns"
  | "reset"
  | "malformed-answer"
  | "aborted";

interface Answer {
  readonly status: number;
  /** From the start of the attempt to the answer's status line. */
  readonly latencyMs: number;
  /** The first 1 KiB of the answer's body as text. */
  readonly responseSnippet: string;
}

/**
 * How one sending ended. The status line is the answer: 2xx is delivered even if the body then stalls or never ends;
 * everything else, redirects included, is rejected.
 */
export type SendResult =
  | ({ readonly kind: "delivered" } & Answer)
  | ({ readonly kind: "rejected"; readonly retryAfterMs?: number } & Answer)
  | { readonly kind: "failed"; readonly reason: SendFailureReason; readonly latencyMs: number };

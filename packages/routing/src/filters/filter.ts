import type { Candidate, DecisionContext } from "../candidate.ts";

/**
 * Drops candidates that must not or cannot serve a request.
 * Filters always come before scores: no score brings a dropped candidate back.
 */
export interface Filter {
  /** Stands in decisions and metrics; never renamed. */
  readonly name: string;
  /** Why the candidate is dropped, in words for an operator; `undefined` keeps it. Holds no content of requests. */
  readonly reject: (candidate: Candidate, context: DecisionContext) => string | undefined;
}

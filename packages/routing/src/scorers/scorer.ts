import type { Candidate, DecisionContext } from "../candidate.ts";

/** Says how good each candidate is in one respect. */
export interface Scorer {
  /** The name that `policies.*.scorers` gives a weight to; never renamed. */
  readonly name: string;
  /** Fills `scores[i]` for `candidates[i]` with 0 (worst) to 1 (best). Candidates that do not differ all get 1. */
  readonly score: (candidates: readonly Candidate[], scores: Float64Array, context: DecisionContext) => void;
}

import type { Candidate } from "../candidate.ts";

export interface PickInput {
  readonly candidates: readonly Candidate[];
  /** Weighted sum of scores of each candidate. */
  readonly totals: Float64Array;
  readonly jobId: string;
  /** The decision's own draw, in [0, 1). */
  readonly random: number;
  /** How many decisions its caller has made before. */
  readonly turn: number;
}

export interface Pick {
  /** Indexes of all candidates, best first. */
  readonly order: number[];
  /** Probability with which each candidate, by its index, comes first. */
  readonly shares: readonly number[];
}

/** Puts at least one candidate in order. Deterministic: chance comes in as `random` and as the job's id, state as `turn`. */
export interface Picker {
  /** The name that `policies.*.picker` uses; never renamed. */
  readonly name: string;
  readonly pick: (input: PickInput) => Pick;
}

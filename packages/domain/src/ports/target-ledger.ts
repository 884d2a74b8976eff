/** What an operator has said of a target: `paused` and `draining` ones take nothing new, the latter on their way out. */
export type TargetState = "active" | "paused" | "draining";

/** What was said of a target with when it was said (ms since 1970); a later word always has a later moment. */
export interface OperatedTarget {
  readonly targetId: string;
  readonly state: TargetState;
  /** In place of the configured weight; absent: that one holds. */
  readonly weight?: number;
  readonly changedAt: number;
}

/** A weight that an operator gives a target; `undefined` takes it back. */
export interface GivenWeight {
  readonly targetId: string;
  readonly weight: number | undefined;
}

/** What operators say of targets, kept where a loss of Redis does not reach it. A target without a word is active. */
export interface TargetLedger {
  setTargetState(targetId: string, state: TargetState, now: number): Promise<OperatedTarget>;
  /** Sets all of them or none. Each target may be named once. */
  setTargetWeights(weights: readonly GivenWeight[], now: number): Promise<OperatedTarget[]>;
  targetStates(): Promise<OperatedTarget[]>;
}

/** What an operator has said of a target: `paused` and `draining` ones take nothing new, the latter on their way out. */
export type TargetState = "active" | "paused" | "draining";

/** A target's state with when it was set (ms since 1970); a later one always has a later moment. */
export interface OperatedTarget {
  readonly targetId: string;
  readonly state: TargetState;
  readonly changedAt: number;
}

/** States of targets, kept where a loss of Redis does not reach them. A target without one is active. */
export interface TargetLedger {
  setTargetState(targetId: string, state: TargetState, now: number): Promise<OperatedTarget>;
  targetStates(): Promise<OperatedTarget[]>;
}

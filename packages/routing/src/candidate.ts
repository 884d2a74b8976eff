import type { RouteRequest, RuleRequirement, Target, TargetSignals } from "@sluice/domain";

/** A target that a decision looks at, with the signals it is judged by. */
export interface Candidate {
  readonly target: Target;
  readonly signals: TargetSignals;
}

/** The weight that holds: an operator's, else the configured one. */
export function weightOf({ target, signals }: Candidate): number {
  return signals.weight ?? target.weight;
}

/** What filters and scorers may read besides the candidates. */
export interface DecisionContext {
  readonly request: RouteRequest;
  /** ms since 1970. */
  readonly now: number;
  /** What the rule that matched asks of targets. */
  readonly require?: RuleRequirement | undefined;
}

/** The signals of a target nothing is known about yet. */
export const noSignals: TargetSignals = {
  inFlight: 0,
  requestsUsed: 0,
  tokensUsed: 0,
  concurrencyUsed: 0,
  latencyMs: undefined,
  errorRate: 0,
  pausedUntil: 0,
};

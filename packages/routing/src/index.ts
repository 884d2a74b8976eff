export { reachablePools, readsRequest } from "./apply-rules.ts";
export { backoffMs } from "./backoff.ts";
export { type Candidate, type DecisionContext, noSignals } from "./candidate.ts";
export { candidateSetId, candidateTargets } from "./candidate-set.ts";
export { decideNextStep, freeTries, type NextStepInput } from "./decide-next-step.ts";
export { decideRoute, type RouteInput, reopensAt } from "./decide-route.ts";
export type { Filter } from "./filters/index.ts";
export { type Picker, pickers } from "./pickers/index.ts";
export { type Scorer, scorers } from "./scorers/index.ts";

import type { OperatedTarget } from "@sluice/domain";
import { scopeOf } from "./create-state.ts";
import type { Step } from "./state.ts";

/** `operate.lua` in memory. */
export function operate(step: Step, { targetId, state, weight, changedAt }: OperatedTarget): void {
  const { breaker } = scopeOf(step.state.targets, targetId);
  if (breaker.operatedAt > changedAt) return;
  breaker.operatedAt = changedAt;
  breaker.operated = state === "active" ? undefined : state;
  breaker.weight = weight;
}

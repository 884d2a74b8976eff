import { scopeOf } from "./create-state.ts";
import type { Step } from "./state.ts";

/** `pause.lua` in memory. */
export function pause({ state, now }: Step, targetId: string, pauseMs: number, reason: string): void {
  const scope = scopeOf(state.targets, targetId);
  const untilAt = now + pauseMs;
  if (untilAt <= now) {
    scope.pausedUntil = 0;
    scope.pauseReason = "";
  } else if (scope.pausedUntil < untilAt) {
    scope.pausedUntil = untilAt;
    scope.pauseReason = reason;
  }
}

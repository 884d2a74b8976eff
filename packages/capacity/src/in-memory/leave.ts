import type { Step } from "./state.ts";
import { unpark, wakeWaiters } from "./waiters.ts";

/** `leave.lua` in memory. */
export function leave(step: Step, member: string): void {
  const waiter = step.state.parked.get(member);
  if (waiter === undefined) return;
  unpark(step.state, member);
  for (const { scope } of waiter.places) wakeWaiters(step, scope);
}

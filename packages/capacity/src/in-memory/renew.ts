import { lengthenLease, sweep } from "./leases.ts";
import type { Step } from "./state.ts";

/** `renew.lua` in memory. */
export function renew(step: Step, owner: string, leaseMs: number): void {
  sweep(step);
  const known = step.state.owners.get(owner);
  if (known !== undefined) lengthenLease(step.state, known, step.now + leaseMs);
}

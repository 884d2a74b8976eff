import { settleBudgets } from "./budgets.ts";
import { age, sendMarginMs } from "./common.ts";
import type { Owner, State, Step } from "./state.ts";

/** `leases.lua` in memory. */
const mostSwept = 8;

/** Takes back the reservations of owners whose lease is over. */
export function sweep(step: Step): void {
  const { state, now } = step;
  if (now < state.firstLeaseEndsAt) return;
  const dead = [...state.owners].filter(([, { leaseEndsAt }]) => leaseEndsAt <= now);
  dead.sort(([a, { leaseEndsAt: aEnd }], [b, { leaseEndsAt: bEnd }]) => aEnd - bEnd || (a < b ? -1 : 1));
  for (const [name, { leaseEndsAt, held }] of dead.slice(0, mostSwept)) {
    for (const record of held.values()) {
      age(record, leaseEndsAt + sendMarginMs);
      settleBudgets(record, step.now, record.microUsd);
    }
    state.owners.delete(name);
  }
  state.firstLeaseEndsAt = Number.POSITIVE_INFINITY;
  for (const { leaseEndsAt } of state.owners.values())
    state.firstLeaseEndsAt = Math.min(state.firstLeaseEndsAt, leaseEndsAt);
}

/** Lengthens the lease of an owner; never shortens it. */
export function lengthenLease(state: State, owner: Owner, endsAt: number): void {
  owner.leaseEndsAt = Math.max(owner.leaseEndsAt, endsAt);
  state.firstLeaseEndsAt = Math.min(state.firstLeaseEndsAt, owner.leaseEndsAt);
}

import {
  type BudgetUse,
  type CountedCall,
  type CountedScope,
  type CountedUse,
  ownerOfReservation,
  type SentUse,
  type UsedScope,
} from "@sluice/domain";
import { microUsd, whole } from "../amounts.ts";
import { addDay, addEntry, hourMs, sendMarginMs, windowMs } from "./common.ts";
import { scopeOf } from "./create-state.ts";
import { lengthenLease, sweep } from "./leases.ts";
import type { Held, HeldPlace, KnownBudget, Scope, State, Step } from "./state.ts";
import { wakeWaiters } from "./waiters.ts";

/** `warm.lua` in memory; its comments say why. */
export function warm(step: Step, token: string, use: CountedUse): boolean {
  const { state, now } = step;
  if (state.cold === undefined || state.cold.token !== token) return false;
  for (const [index, sent] of use.sent.entries()) countSent(step, sent, index + 1);
  for (const spent of use.budgets) countBudget(step, spent);
  for (const call of use.running) countRunning(step, call);
  for (const hour of use.hours) {
    const change = {
      reservedAt: hour.hour * hourMs,
      tokens: whole(hour.tokens),
      microUsd: microUsd(hour.usd),
    };
    addDay(scopeAt(state, hour).day, now, change);
  }
  state.cold = undefined;
  sweep(step);
  for (const scopes of [state.targets, state.tenants])
    for (const [, scope] of [...scopes].toSorted(([a], [b]) => (a < b ? -1 : 1))) wakeWaiters(step, scope);
  return true;
}

function scopeAt({ targets, tenants }: State, { scope, id }: UsedScope): Scope {
  return scopeOf(scope === "target" ? targets : tenants, id);
}

function countSent({ state, now }: Step, use: SentUse, place: number): void {
  const leavesAt = now - whole(use.agoMs) + sendMarginMs + windowMs;
  if (leavesAt <= now) return;
  const { sums, log } = scopeAt(state, use);
  const amounts = {
    requests: whole(use.requests),
    input: whole(use.inputTokens),
    output: whole(use.outputTokens),
  };
  addEntry(log, { id: `rebuilt${String(place).padStart(6, "0")}`, leavesAt, other: 0, ...amounts });
  sums.requests += amounts.requests;
  sums.input += amounts.input;
  sums.output += amounts.output;
}

function budgetAt({ budgets }: State, key: string): KnownBudget {
  const counter = budgets.get(key) ?? { day: [], microUsd: 0, held: 0 };
  budgets.set(key, counter);
  return counter;
}

function countBudget({ state, now }: Step, { key, window, hour, usd }: BudgetUse): void {
  const counter = budgetAt(state, key);
  if (window === "total") counter.microUsd = microUsd(usd);
  else if (microUsd(usd) > 0)
    addDay(counter.day, now, { reservedAt: hour * hourMs, tokens: 0, microUsd: microUsd(usd) });
}

function countRunning({ state, now }: Step, call: CountedCall): void {
  const [input, output, worst] = [whole(call.inputTokens), whole(call.outputTokens), microUsd(call.usd)];
  const record: Held = {
    id: call.reservationId,
    reservedAt: now - whole(call.startedAgoMs),
    input,
    output,
    estimate: input,
    microUsd: worst,
    charged: undefined,
    budgets: call.budgets.map(({ key, window }) => ({ counter: budgetAt(state, key), window })),
    places: call.scopes.map((scope) => countPlace(state, scope, input, output)),
  };
  for (const { counter, window } of record.budgets) if (window === "total") counter.held += worst;
  const name = ownerOfReservation(call.reservationId);
  const owner = state.owners.get(name) ?? { leaseEndsAt: 0, held: new Map() };
  state.owners.set(name, owner);
  owner.held.set(record.id, record);
  lengthenLease(state, owner, now + Math.floor(call.leaseMs));
}

const unpaced = { requests: -1, tokens: -1, input: -1, output: -1, concurrency: -1, hasMargin: false };

function countPlace(state: State, counted: CountedScope, input: number, output: number): HeldPlace {
  const scope = scopeAt(state, counted);
  scope.sums.requests += 1;
  scope.sums.input += input;
  scope.sums.output += output;
  scope.sums.inFlight += 1;
  scope.sums.inFlightTokens += input + output;
  return { scope, limits: unpaced, countsDay: counted.countsDay };
}

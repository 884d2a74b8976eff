import type { ReserveAnswer, ReserveRequest, TargetLimits } from "@sluice/domain";
import { budgetName, microUsd, whole } from "../amounts.ts";
import { grant, isCalm } from "../reservations.ts";
import { type Ask, type AskedScope, askOf } from "./asked.ts";
import { breakerWait, noteCall, openIfSilent, takeProbe } from "./breaker.ts";
import { type AskedBudget, askBudget, holdBudgets, leftOfTotal } from "./budgets.ts";
import { addDay, dayHours, hourMs, prune } from "./common.ts";
import { scopeOf } from "./create-state.ts";
import { charge, floorOf, slackOf } from "./fair-order.ts";
import { lengthenLease, sweep } from "./leases.ts";
import { advance } from "./pace.ts";
import { requireRoom } from "./require-room.ts";
import type { Held, HeldPlace, Scope, Share, Step } from "./state.ts";
import { copyOf, hasRoom, isPaced, type Room, serveWaiters, turnMs, unpark, withPlaces } from "./waiters.ts";
import { tokensOf } from "./windows.ts";

/** `reserve.lua` in memory. */
export function reserve(step: Step, request: ReserveRequest, id: string): ReserveAnswer {
  if (step.state.cold !== undefined) return denied("target.cold", 1_000);
  sweep(step);
  const budgets: AskedBudget[] = [];
  for (const budget of request.budgets ?? []) {
    const asked = askBudget(step, budget);
    if (asked === undefined) return { ...denied(budgetName(budget.key), 0), isUnknown: true };
    budgets.push(asked);
  }
  const exhausted = exhaustedAnswer(budgets, microUsd(request.costUsd));
  if (exhausted !== undefined) return exhausted;
  const scope = scopeOf(step.state.targets, request.target.id);
  prune(scope, step.now);
  const closed = closedAnswer(step, scope, isCalm(request, step.now));
  if (closed !== undefined) return closed;
  const ask = askOf(step, request, budgets);
  const full = requireRoom(step, ask);
  if (full !== undefined) return denied(full.limit, full.waitMs);
  const rooms = roomsOf(step, ask);
  const crowded = rooms.filter((room) => ask.turn !== undefined && room.scope.waiting.byCounter.length > 0);
  const floor = floorOf(scope);
  const charged = scope.waiting.byCounter.length > 0 ? ask.turn : undefined;
  for (const room of crowded) if (!hasTurn(step, ask, room)) return denied(`${room.of}.turn`, turnMs);
  if (ask.turn !== undefined) unpark(step.state, ask.turn.member);
  if (charged !== undefined) chargeTurn(ask, charged, floor);
  take(step, { ask, request, id, charged });
  noteCall(scope.breaker, step.now, scope.sums.inFlight - 1);
  // What is left may be enough for those who wait behind this job.
  for (const { scope: crowd, limits } of crowded)
    serveWaiters(step, { scope: crowd, limits, sums: copyOf(crowd.sums) }, undefined);
  return grant({
    request,
    id,
    left: leftOf(request.target.limits, scope),
    probe: takeProbe(scope.breaker, step.now),
  });
}

function denied(limit: string, waitMs: number) {
  return { kind: "denied", limit, waitMs } as const;
}

/** The refusal of a budget that no time and no call's end gives room. */
function exhaustedAnswer(budgets: readonly AskedBudget[], need: number): ReserveAnswer | undefined {
  const exhausted = budgets.find((budget) => budget.window === "total" && leftOfTotal(budget).atBest < need);
  if (exhausted === undefined) return undefined;
  return { kind: "denied", limit: exhausted.name, waitMs: dayHours * hourMs, isExhausted: true };
}

/** The refusal of a target that takes nothing now. */
function closedAnswer({ now }: Step, scope: Scope, calm: boolean): ReserveAnswer | undefined {
  if (scope.pausedUntil > now) return denied("target.paused", scope.pausedUntil - now);
  openIfSilent(scope, now);
  if (scope.breaker.operated !== undefined) return denied("target.operated", 5_000);
  const wait = breakerWait(scope.breaker, now, calm);
  return wait === undefined ? undefined : denied("target.breaker", Math.max(1, Math.ceil(wait)));
}

type AskedRoom = Omit<Room, "sums"> & { readonly of: "target" | "tenant" };

/** The scopes in which others may wait before this job. A probe is of no use to them. */
function roomsOf({ now }: Step, { target, tenant }: Ask): AskedRoom[] {
  if (target.scope.breaker.isOpen) return [];
  const limits = withPlaces(target.scope, now, target.limits);
  const room: AskedRoom = { of: "target", scope: target.scope, limits };
  return tenant === undefined ? [room] : [room, { of: "tenant", scope: tenant.scope, limits: tenant.limits }];
}

/** Whether those who wait before this job leave it room. */
function hasTurn(step: Step, { turn, input, output }: Ask, { scope, limits }: AskedRoom): boolean {
  const onPaper: Room = { scope, limits, sums: copyOf(scope.sums) };
  const hasServed = serveWaiters(step, onPaper, turn) && hasRoom(onPaper, input, output);
  return hasServed && (turn === undefined || !isPaced(onPaper, turn.urgency, step.now));
}

function chargeTurn({ input, output, target }: Ask, to: Share, floor: number): void {
  const { scope, limits } = target;
  charge(scope, { to, tokens: input + output, floor, slack: slackOf(limits, scope.sums) });
}

interface Taking {
  readonly ask: Ask;
  readonly request: ReserveRequest;
  readonly id: string;
  readonly charged: Held["charged"];
}

function take({ state, now }: Step, { ask, request, id, charged }: Taking): void {
  const { target, tenant, input, output, estimate, microUsd } = ask;
  const budgets = holdBudgets(ask.budgets, now, microUsd);
  const places = [target, ...(tenant === undefined ? [] : [tenant])].map((asked) => {
    advance(asked.scope.sums.pace, asked.limits, { input, output, now });
    return takeIn(asked, ask, now);
  });
  const owner = state.owners.get(request.owner) ?? { leaseEndsAt: 0, held: new Map() };
  state.owners.set(request.owner, owner);
  owner.held.set(id, { id, reservedAt: now, input, output, estimate, microUsd, charged, budgets, places });
  lengthenLease(state, owner, now + whole(request.leaseMs));
}

function takeIn(asked: AskedScope, { input, output, microUsd }: Ask, now: number): HeldPlace {
  const { scope, limits, tokensPerDay, microUsdPerDay } = asked;
  scope.sums.requests += 1;
  scope.sums.input += input;
  scope.sums.output += output;
  scope.sums.inFlight += 1;
  scope.sums.inFlightTokens += input + output;
  const countsDay = tokensPerDay >= 0 || microUsdPerDay >= 0;
  if (countsDay) addDay(scope.day, now, { reservedAt: now, tokens: input + output, microUsd });
  return { scope, limits, countsDay };
}

/** What the target has left after a grant. */
function leftOf(limits: TargetLimits, { sums }: Scope): { requests: number; tokens: number } {
  return {
    requests: left(limits.requestsPerMinute, sums.requests),
    tokens: left(limits.tokensPerMinute, tokensOf(sums)),
  };
}

function left(limit: number | undefined, sum: number): number {
  return limit === undefined ? -1 : Math.trunc(Math.max(0, limit - sum));
}

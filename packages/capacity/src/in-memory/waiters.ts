import type { WaitedLimits } from "../parking.ts";
import { phaseOf, slowStartPlaces, usualLatency } from "./breaker.ts";
import { prune } from "./common.ts";
import type { Held, Scope, State, Step, Sums, Waiter } from "./state.ts";
import { tokensOf } from "./windows.ts";

/** `waiters.lua` in memory; its comments say why. */
const mostServed = 64;
const wakeGraceMs = 1_000;
const mostWakes = 3;
export const turnMs = 250;
/** For waits, of a target that has never answered. */
const unknownLatencyMs = 250;

/** Usual latency of a scope in ms. */
export function latencyOf(scope: Scope): number {
  return usualLatency(scope) ?? unknownLatencyMs;
}

/** A place in the order. */
export interface Place {
  readonly member: string;
  readonly urgency: number;
}

/** What is used, of which the waiters take on paper. */
export interface Room {
  readonly scope: Scope;
  readonly limits: WaitedLimits;
  readonly sums: Sums;
}

export function copyOf({ requests, input, output, other, inFlight }: Sums): Sums {
  return { requests, input, output, other, inFlight };
}

/** A call that is larger than the whole limit takes an empty window. */
function isWithin(limit: number, sum: number, need: number): boolean {
  return limit < 0 || sum + Math.min(need, limit) <= limit;
}

export function hasRoom({ limits, sums }: Room, input: number, output: number): boolean {
  return (
    isWithin(limits.requests, sums.requests, 1) &&
    isWithin(limits.tokens, tokensOf(sums), input + output) &&
    isWithin(limits.input, sums.input, input) &&
    isWithin(limits.output, sums.output, output) &&
    (limits.concurrency < 0 || sums.inFlight < Math.max(1, limits.concurrency))
  );
}

function takeOnPaper(sums: Sums, input: number, output: number): void {
  sums.requests += 1;
  sums.inFlight += 1;
  sums.input += input;
  sums.output += output;
}

function isBefore(a: Place, b: Place): boolean {
  return a.urgency < b.urgency || (a.urgency === b.urgency && a.member < b.member);
}

/** Where a place is, or would be, among the waiters. */
export function rankOf(waiters: readonly Waiter[], place: Place): number {
  let [low, high] = [0, waiters.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = waiters[middle];
    if (other !== undefined && isBefore(other, place)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Takes a job out of the waiters of all scopes. */
export function unpark(state: State, member: string): void {
  const waiter = state.parked.get(member);
  if (waiter === undefined) return;
  for (const { scope } of waiter.places) {
    const rank = rankOf(scope.waiters, waiter);
    if (scope.waiters[rank] === waiter) scope.waiters.splice(rank, 1);
  }
  state.parked.delete(member);
}

function hasLapsed({ lapsesAt, awakeUntil, timesWoken }: Waiter, now: number): boolean {
  return lapsesAt <= now || (awakeUntil <= now && timesWoken >= mostWakes);
}

/**
 * Gives the waiters of a scope their room on paper, most urgent first, and wakes those that sleep. Stops at the first
 * that has no room. With a turn it looks only at those before it. Whether all of them have room.
 */
export function serveWaiters({ state, now, wake }: Step, room: Room, turn: Place | undefined): boolean {
  const { waiters } = room.scope;
  const isAll = waiters.length < mostServed;
  let rank = 0;
  for (let looked = 0; looked < mostServed; looked += 1) {
    const waiter = waiters[rank];
    if (waiter === undefined) break;
    if (turn !== undefined && !isBefore(waiter, turn)) return true;
    if (hasLapsed(waiter, now)) {
      unpark(state, waiter.member);
      continue;
    }
    const place = waiter.places.find(({ scope }) => scope === room.scope);
    if (place === undefined || !hasRoom(room, place.input, place.output)) return false;
    takeOnPaper(room.sums, place.input, place.output);
    if (waiter.awakeUntil <= now) {
      waiter.awakeUntil = now + wakeGraceMs;
      waiter.timesWoken += 1;
      wake.push(waiter);
    }
    rank += 1;
  }
  return isAll;
}

/** What slow start leaves of the limits. */
export function startedSlowly({ breaker }: Scope, now: number, limits: WaitedLimits): WaitedLimits {
  const concurrency = slowStartPlaces(breaker, now, limits.concurrency);
  return concurrency === undefined ? limits : { ...limits, concurrency };
}

/** Wakes the waiters of a scope that have room now. */
export function wakeWaiters(step: Step, scope: Scope): void {
  if (scope.waiters.length === 0) return;
  const { now } = step;
  prune(scope, now);
  const { breaker } = scope;
  if (scope.pausedUntil > now || breaker.operated !== undefined || phaseOf(breaker, now) !== "closed") return;
  const limits = startedSlowly(scope, now, scope.waitedLimits);
  serveWaiters(step, { scope, limits, sums: copyOf(scope.sums) }, undefined);
}

/** Wakes the waiters that have room after a reservation has ended. */
export function wakeAfter(step: Step, { places }: Held): void {
  for (const { scope } of places) wakeWaiters(step, scope);
}

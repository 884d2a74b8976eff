import type { WaitedLimits } from "../parking.ts";
import { phaseOf, slowStartPlaces, usualLatency } from "./breaker.ts";
import { prune } from "./common.ts";
import { leaveQueue, mostServed, nextQueue, openOrder, type Place, pass, slackOf } from "./fair-order.ts";
import { withMargin } from "./margin.ts";
import { advance, isCalm, pacedFor } from "./pace.ts";
import type { Held, Scope, State, Step, Sums, Waiter } from "./state.ts";
import { tokensOf } from "./windows.ts";

/** `waiters.lua` in memory; its comments say why. */
const wakeGraceMs = 1_000;
const mostWakes = 3;
export const lapseMs = 10_000;
const staleMs = 2_000;
export const turnMs = 250;
/** For waits, of a target that has never answered. */
const unknownLatencyMs = 250;

/** Usual latency of a scope in ms. */
export function latencyOf(scope: Scope): number {
  return usualLatency(scope) ?? unknownLatencyMs;
}

/** What is used, of which the waiters take on paper. */
export interface Room {
  readonly scope: Scope;
  readonly limits: WaitedLimits;
  readonly sums: Sums;
}

export function copyOf({ pace, ...sums }: Sums): Sums {
  return { pace: { ...pace }, ...sums };
}

/** Whether a job that has time must let some of it pass. */
export function isPaced(room: Omit<Room, "scope">, urgency: number, now: number): boolean {
  return isCalm(urgency, now) && pacedFor(room, now) > 0;
}

/** A call that is larger than the whole limit takes an empty window. */
function isWithin(limit: number, sum: number, need: number): boolean {
  return limit < 0 || sum + Math.min(need, limit) <= limit;
}

function windowsHaveRoom({ limits, sums }: Room, input: number, output: number): boolean {
  return (
    isWithin(limits.requests, sums.requests, 1) &&
    isWithin(limits.tokens, tokensOf(sums), input + output) &&
    isWithin(limits.input, sums.input, input) &&
    isWithin(limits.output, sums.output, output)
  );
}

export function hasRoom(room: Room, input: number, output: number): boolean {
  const { limits, sums } = room;
  const hasPlace = limits.concurrency < 0 || sums.inFlight < Math.max(1, limits.concurrency);
  return windowsHaveRoom(room, input, output) && hasPlace;
}

function takeOnPaper(sums: Sums, input: number, output: number): void {
  sums.requests += 1;
  sums.inFlight += 1;
  sums.input += input;
  sums.output += output;
}

/** Takes a job out of the waiters of all scopes. */
export function unpark(state: State, member: string): void {
  const waiter = state.parked.get(member);
  if (waiter === undefined) return;
  for (const { scope } of waiter.places) leaveQueue(scope, waiter);
  state.parked.delete(member);
}

function hasLapsed({ lapsesAt, awakeUntil, timesWoken }: Waiter, now: number): boolean {
  return lapsesAt <= now || (awakeUntil <= now && timesWoken >= mostWakes);
}

/**
 * Gives the waiters of a scope their room on paper, in their order, and wakes those that sleep. Stops at the first that
 * has no room, and at the turn if there is one. Whether all of them have room.
 */
export function serveWaiters(step: Step, room: Room, turn: Place | undefined): boolean {
  const { scope, limits } = room;
  const { now } = step;
  if (scope.waiting.byCounter.length === 0) return true;
  const order = openOrder(scope, { turn, slack: slackOf(limits, scope.sums), isLive: liveIn(step) });
  for (let served = 0; served < mostServed; served += 1) {
    const queue = nextQueue(order);
    if (queue === undefined)
      return order.looks > 0 && (turn === undefined || !order.queues.some(({ isHeld }) => isHeld));
    const { head } = queue;
    if (!("places" in head)) return true;
    const isFirstHeld = turn === undefined && !order.queues.some(({ isHeld }) => isHeld);
    if (isPaced(room, head.urgency, now)) {
      if (isFirstHeld) stir(step, head);
      queue.isHeld = true;
      continue;
    }
    const place = head.places.find((each) => each.scope === scope);
    if (place === undefined) return false;
    if (!hasRoom(room, place.input, place.output)) {
      if (isFirstHeld && !windowsHaveRoom(room, place.input, place.output)) stir(step, head);
      return false;
    }
    takeOnPaper(room.sums, place.input, place.output);
    advance(room.sums.pace, limits, { input: place.input, output: place.output, now });
    wakeUp(step, head);
    pass(order, queue, place.input + place.output);
  }
  return false;
}

function liveIn({ state, now }: Step): (waiter: Waiter) => boolean {
  return (waiter) => {
    const isLive = !hasLapsed(waiter, now);
    if (!isLive) unpark(state, waiter.member);
    return isLive;
  };
}

function wakeUp({ now, wake }: Step, waiter: Waiter): void {
  if (waiter.awakeUntil > now) return;
  waiter.awakeUntil = now + wakeGraceMs;
  waiter.timesWoken += 1;
  wake.push(waiter);
}

/** Wakes the first waiter, which only time will give room, if it waits longer than it need to. */
function stir(step: Step, waiter: Waiter): void {
  if (!waiter.wasFirst && waiter.lapsesAt - lapseMs > step.now + staleMs) wakeUp(step, waiter);
}

/** The limits with how many calls may be under way: as stated, or as learned where nothing is, less in slow start. */
export function withPlaces(scope: Scope, now: number, limits: WaitedLimits): WaitedLimits {
  const { breaker, learnedConcurrency } = scope;
  const learned = learnedConcurrency === undefined ? -1 : Math.floor(learnedConcurrency.limit);
  const places = limits.concurrency >= 0 ? limits.concurrency : learned;
  const slow = slowStartPlaces(breaker, now, limits.concurrency);
  if (slow === undefined) return { ...limits, concurrency: places };
  return { ...limits, concurrency: places >= 0 ? Math.min(places, slow) : slow };
}

/** Limits that waiters wait for as they are now. */
export function limitsNow(scope: Scope, now: number, limits: WaitedLimits): WaitedLimits {
  const usable = limits.hasMargin ? withMargin(limits, scope.learned, scope.sums) : limits;
  return withPlaces(scope, now, usable);
}

/** Wakes the waiters of a scope that have room now. */
export function wakeWaiters(step: Step, scope: Scope): void {
  if (scope.waiting.byCounter.length === 0) return;
  const { now } = step;
  prune(scope, now);
  const { breaker } = scope;
  if (scope.pausedUntil > now || breaker.operated !== undefined || phaseOf(breaker, now) !== "closed") return;
  const limits = limitsNow(scope, now, scope.waitedLimits);
  serveWaiters(step, { scope, limits, sums: copyOf(scope.sums) }, undefined);
}

/** Wakes the waiters that have room after a reservation has ended. */
export function wakeAfter(step: Step, { places }: Held): void {
  for (const { scope } of places) wakeWaiters(step, scope);
}

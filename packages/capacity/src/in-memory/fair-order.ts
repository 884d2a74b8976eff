import type { Turn } from "@sluice/domain";
import { memberOf, type WaitedLimits } from "../parking.ts";
import type { Held, Scope, Share, Sums, TenantQueue, Waiter } from "./state.ts";
import { tokensOf } from "./windows.ts";

/** `fair-order.lua` in memory; its comments say why. */
/** How many tenants are compared for one turn: those furthest behind. */
export const compared = 16;
export const mostServed = 64;
const mostLooks = 256;

/** A place in the order. */
export interface Place extends Share {
  readonly member: string;
  readonly urgency: number;
}

export function placeOf(turn: Turn): Place {
  const { tenantId, weight, effectiveDeadlineAt: urgency } = turn;
  return { member: memberOf(turn), urgency, tenantId, weight };
}

/** How far a deadline may bring one tenant ahead of another. */
export function slackOf(limits: WaitedLimits, sums: Sums): number {
  const aMinute = limits.tokens >= 0 ? limits.tokens : Math.max(0, limits.input) + Math.max(0, limits.output);
  const usual = sums.requests > 0 ? tokensOf(sums) / sums.requests : 0;
  return Math.max(aMinute / 60, usual);
}

export function isBefore(
  a: Pick<Place, "member" | "urgency">,
  b: Pick<Place, "member" | "urgency">,
): boolean {
  return a.urgency < b.urgency || (a.urgency === b.urgency && a.member < b.member);
}

/** Where a place is, or would be, among the waiters of its tenant. */
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

/** The tenants that wait in a scope, those furthest behind first. */
export function waitingTenants({ waiting }: Scope): [string, TenantQueue][] {
  return [...waiting].toSorted(([a, { counter: x }], [b, { counter: y }]) => x - y || (a < b ? -1 : 1));
}

function keepAhead({ ahead }: Scope, tenantId: string, counter: number): void {
  if (counter > 0) ahead.set(tenantId, counter);
}

function lifted({ ahead }: Scope, tenantId: string, floor: number): number {
  return Math.max(floor, ahead.get(tenantId) ?? 0);
}

/** The virtual time as of now. */
export function floorOf(scope: Scope): number {
  const least = Math.min(...[...scope.waiting.values()].map(({ counter }) => counter));
  return Math.max(scope.virtualTime, Number.isFinite(least) ? least : 0);
}

export function joinQueue(scope: Scope, waiter: Waiter): void {
  const { tenantId } = waiter;
  let queue = scope.waiting.get(tenantId);
  if (queue === undefined) {
    queue = { counter: lifted(scope, tenantId, floorOf(scope)), waiters: [] };
    scope.waiting.set(tenantId, queue);
    scope.ahead.delete(tenantId);
  }
  const rank = rankOf(queue.waiters, waiter);
  if (queue.waiters[rank] !== waiter) queue.waiters.splice(rank, 0, waiter);
}

export function leaveQueue(scope: Scope, waiter: Waiter): void {
  const queue = scope.waiting.get(waiter.tenantId);
  if (queue === undefined) return;
  const rank = rankOf(queue.waiters, waiter);
  if (queue.waiters[rank] === waiter) queue.waiters.splice(rank, 1);
  if (queue.waiters.length > 0) return;
  scope.waiting.delete(waiter.tenantId);
  keepAhead(scope, waiter.tenantId, queue.counter);
}

/** Counts what a tenant is given while someone waits; `floor` was the virtual time when its turn came. */
export function charge(scope: Scope, floor: number, { tenantId, weight }: Share, tokens: number): void {
  const cost = tokens / weight;
  const queue = scope.waiting.get(tenantId);
  if (queue === undefined) keepAhead(scope, tenantId, lifted(scope, tenantId, floor) + cost);
  else queue.counter += cost;
  scope.virtualTime = floor;
  for (const [tenant, counter] of scope.ahead) if (counter <= floor) scope.ahead.delete(tenant);
}

/** Corrects the counter by what a reservation took in truth. */
export function recharge({ charged, places: [target] }: Held, tokens: number): void {
  if (charged === undefined || target === undefined || tokens === 0) return;
  const { waiting, ahead } = target.scope;
  const by = tokens / charged.weight;
  const queue = waiting.get(charged.tenantId);
  const counter = ahead.get(charged.tenantId);
  if (queue !== undefined) queue.counter += by;
  else if (counter !== undefined) ahead.set(charged.tenantId, counter + by);
}

/** The waiters of one tenant, as far as they have been served on paper. */
interface Queue {
  readonly tenantId: string;
  readonly waiters: readonly Waiter[];
  counter: number;
  /** Waiters that were served. */
  passed: number;
  head: Waiter | Place | undefined;
}

/** The order of those who wait in a scope, and of the job that asks if there is one. */
export interface Order {
  readonly turn: Place | undefined;
  /** Whether a waiter still waits; takes it out when it does not. */
  readonly isLive: (waiter: Waiter) => boolean;
  readonly slack: number;
  readonly unopened: [string, TenantQueue][];
  readonly queues: Queue[];
  /** How many more waiters may be looked at. */
  looks: number;
}

export function openOrder(scope: Scope, start: Pick<Order, "turn" | "isLive" | "slack">): Order {
  const unopened = waitingTenants(scope).slice(0, mostServed + compared);
  const order: Order = { ...start, unopened, queues: [], looks: mostLooks };
  const { turn } = start;
  if (turn === undefined) return order;
  const own = scope.waiting.get(turn.tenantId);
  const counter = own?.counter ?? lifted(scope, turn.tenantId, floorOf(scope));
  openQueue(order, turn.tenantId, { counter, waiters: own?.waiters ?? [] });
  return order;
}

function openQueue(order: Order, tenantId: string, { counter, waiters }: TenantQueue): void {
  const queue: Queue = { tenantId, waiters, counter, passed: 0, head: undefined };
  queue.head = nextHead(order, queue);
  if (queue.head !== undefined) order.queues.push(queue);
}

/** The next waiter of a tenant that still waits, or the job that asks when it is its turn within its tenant. */
function nextHead(order: Order, queue: Queue): Waiter | Place | undefined {
  const asker = order.turn?.tenantId === queue.tenantId ? order.turn : undefined;
  while (order.looks > 0) {
    const waiter = queue.waiters[queue.passed];
    if (asker !== undefined && (waiter === undefined || !isBefore(waiter, asker))) return asker;
    if (waiter === undefined) return undefined;
    order.looks -= 1;
    if (!order.isLive(waiter)) continue;
    queue.passed += 1;
    return waiter;
  }
  return undefined;
}

function openQueues(order: Order): void {
  for (;;) {
    const [next] = order.unopened;
    if (next === undefined || order.looks === 0) return;
    const [tenantId, tenantQueue] = next;
    const behind = order.queues.filter(({ head, counter }) => head && counter <= tenantQueue.counter);
    if (behind.length >= compared) return;
    order.unopened.shift();
    if (tenantId !== order.turn?.tenantId) openQueue(order, tenantId, tenantQueue);
  }
}

/** The queue whose head goes next. */
export function nextQueue(order: Order): (Queue & { head: Waiter | Place }) | undefined {
  openQueues(order);
  const open = order.queues.filter((queue) => queue.head !== undefined) as (Queue & { head: Waiter })[];
  const least = Math.min(...open.map(({ counter }) => counter));
  const near = open.filter(({ counter, head }) => (counter - least) * head.weight <= order.slack);
  return near.reduce<(typeof near)[number] | undefined>(
    (best, queue) => (best !== undefined && isBefore(best.head, queue.head) ? best : queue),
    undefined,
  );
}

/** Serves the head of a queue on paper. */
export function pass(order: Order, queue: Queue, tokens: number): void {
  queue.counter += tokens / (queue.head?.weight ?? 1);
  queue.head = nextHead(order, queue);
}

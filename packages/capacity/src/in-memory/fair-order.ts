import type { Turn } from "@sluice/domain";
import { memberOf, type WaitedLimits } from "../parking.ts";
import type { Held, Scope, Share, Sums, TenantQueue, Waiter } from "./state.ts";
import { addTenant, addToCounter, removeTenant } from "./waiting-tenants.ts";
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

function keepLeft({ left }: Scope, tenantId: string, counter: number): void {
  if (counter > 0) left.set(tenantId, counter);
}

function lifted({ left }: Scope, { tenantId, weight }: Share, floor: number, slack: number): number {
  const counter = left.get(tenantId);
  return counter === undefined ? floor : Math.max(counter, floor - slack / weight);
}

/** The virtual time as of now. */
export function floorOf(scope: Scope): number {
  return Math.max(scope.virtualTime, scope.waiting.byCounter[0]?.counter ?? 0);
}

export interface Joining {
  readonly waiter: Waiter;
  /** The tenant's own if it waited until this very step. */
  readonly counter: number | undefined;
  readonly slack: number;
}

export function joinQueue(scope: Scope, { waiter, counter, slack }: Joining): void {
  const { tenantId } = waiter;
  let queue = scope.waiting.byName.get(tenantId);
  if (queue === undefined) {
    const joined = counter ?? lifted(scope, waiter, floorOf(scope), slack);
    queue = { tenantId, counter: joined, waiters: [] };
    addTenant(scope.waiting, queue);
    scope.left.delete(tenantId);
  }
  const rank = rankOf(queue.waiters, waiter);
  if (queue.waiters[rank] !== waiter) queue.waiters.splice(rank, 0, waiter);
}

export function leaveQueue(scope: Scope, waiter: Waiter): void {
  const queue = scope.waiting.byName.get(waiter.tenantId);
  if (queue === undefined) return;
  const rank = rankOf(queue.waiters, waiter);
  if (queue.waiters[rank] === waiter) queue.waiters.splice(rank, 1);
  if (queue.waiters.length > 0) return;
  removeTenant(scope.waiting, queue);
  keepLeft(scope, waiter.tenantId, queue.counter);
}

/** What a tenant is given while someone waits. */
export interface Charge {
  readonly to: Share;
  readonly tokens: number;
  /** The virtual time when its turn came. */
  readonly floor: number;
  readonly slack: number;
}

/** Counts what a tenant is given. */
export function charge(scope: Scope, { to, tokens, floor, slack }: Charge): void {
  const cost = tokens / to.weight;
  const queue = scope.waiting.byName.get(to.tenantId);
  if (queue === undefined) keepLeft(scope, to.tenantId, lifted(scope, to, floor, slack) + cost);
  else addToCounter(scope.waiting, queue, cost);
  scope.virtualTime = floor;
  for (const [tenant, counter] of scope.left) if (counter <= floor - slack) scope.left.delete(tenant);
}

/** Corrects the counter by what a reservation took in truth. */
export function recharge({ charged, places: [target] }: Held, tokens: number): void {
  if (charged === undefined || target === undefined || tokens === 0) return;
  const { waiting, left } = target.scope;
  const by = tokens / charged.weight;
  const queue = waiting.byName.get(charged.tenantId);
  const counter = left.get(charged.tenantId);
  if (queue !== undefined) addToCounter(waiting, queue, by);
  else if (counter !== undefined) left.set(charged.tenantId, counter + by);
}

/** The waiters of one tenant, as far as they have been served on paper. */
interface Queue {
  readonly tenantId: string;
  readonly waiters: readonly Waiter[];
  counter: number;
  /** Waiters that were served. */
  passed: number;
  head: Waiter | Place | undefined;
  /** Takes no turn, but nobody gets further ahead of it than a slack. */
  isHeld: boolean;
}

/** The order of those who wait in a scope, and of the job that asks if there is one. */
export interface Order {
  readonly turn: Place | undefined;
  /** Whether a waiter still waits; takes it out when it does not. */
  readonly isLive: (waiter: Waiter) => boolean;
  readonly slack: number;
  readonly unopened: TenantQueue[];
  readonly queues: Queue[];
  /** How many more waiters may be looked at. */
  looks: number;
}

export function openOrder(scope: Scope, start: Pick<Order, "turn" | "isLive" | "slack">): Order {
  const unopened = scope.waiting.byCounter.slice(0, mostServed + compared);
  const order: Order = { ...start, unopened, queues: [], looks: mostLooks };
  const { turn } = start;
  if (turn === undefined) return order;
  const { tenantId } = turn;
  const own = scope.waiting.byName.get(tenantId);
  const counter = own?.counter ?? lifted(scope, turn, floorOf(scope), start.slack);
  openQueue(order, { tenantId, counter, waiters: own?.waiters ?? [] });
  return order;
}

function openQueue(order: Order, { tenantId, counter, waiters }: TenantQueue): void {
  const queue: Queue = { tenantId, waiters, counter, passed: 0, isHeld: false, head: undefined };
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
    const behind = order.queues.filter(({ head, counter }) => head && counter <= next.counter);
    if (behind.length >= compared) return;
    order.unopened.shift();
    if (next.tenantId !== order.turn?.tenantId) openQueue(order, next);
  }
}

type OpenQueue = Queue & { head: Waiter | Place };

function isOpen(queue: Queue): queue is OpenQueue {
  return queue.head !== undefined;
}

/** The queue whose head goes next. */
export function nextQueue(order: Order): OpenQueue | undefined {
  openQueues(order);
  let least = Number.POSITIVE_INFINITY;
  for (const { head, counter } of order.queues) if (head) least = Math.min(least, counter);
  let best: OpenQueue | undefined;
  for (const queue of order.queues) {
    if (!isOpen(queue) || queue.isHeld || (queue.counter - least) * queue.head.weight > order.slack) continue;
    if (best === undefined || !isBefore(best.head, queue.head)) best = queue;
  }
  return best;
}

/** Serves the head of a queue on paper. */
export function pass(order: Order, queue: Queue, tokens: number): void {
  queue.counter += tokens / (queue.head?.weight ?? 1);
  queue.head = nextHead(order, queue);
}

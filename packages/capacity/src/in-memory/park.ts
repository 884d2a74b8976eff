import type { Turn } from "@sluice/domain";
import type { PlaceAnswer, WaitedLimits, WaitingPlace } from "../parking.ts";
import { patienceMs, phaseOf } from "./breaker.ts";
import { prune, windowMs } from "./common.ts";
import { scopeOf } from "./create-state.ts";
import { compared, isBefore, joinQueue, type Place, placeOf, rankOf, slackOf } from "./fair-order.ts";
import { isCalm, paceWait, timeOf } from "./pace.ts";
import type { Scope, Step, Waiter } from "./state.ts";
import { copyOf, hasRoom, isPaced, lapseMs, latencyOf, limitsNow, serveWaiters, unpark } from "./waiters.ts";
import { type Window, windows } from "./windows.ts";

const shortestMs = 10;
const longestMs = 300_000;
const coldMs = 5_000;
const placeMs = 10_000;
const apartMs = 20;
const mostRead = 200;

/** A scope in which the job would wait. */
interface ParkScope {
  readonly place: WaitingPlace;
  readonly scope: Scope;
  readonly input: number;
  readonly output: number;
  readonly limits: WaitedLimits;
  readonly closedForMs: number;
}

/** `park.lua` in memory. */
export function park(step: Step, turn: Turn, places: readonly WaitingPlace[]): PlaceAnswer {
  const { state } = step;
  const place = placeOf(turn);
  const scopes: ParkScope[] = [];
  for (const waiting of places) {
    const scope = readScope(step, waiting);
    scopes.push(scope);
    if (hasRoomNow(step, scope, place)) return { kind: "room", place: waiting };
  }
  const counters = scopes.map(({ scope }) => scope.waiting.byName.get(turn.tenantId)?.counter);
  unpark(state, place.member);
  if (scopes.length === 0) return { kind: "parked", waitMs: longestMs };
  const waiter: Waiter = {
    ...place,
    job: { jobId: turn.jobId, model: turn.model },
    lapsesAt: 0,
    awakeUntil: 0,
    timesWoken: 0,
    wasFirst: false,
    places: scopes.map(({ scope, input, output }) => ({ scope, input, output })),
  };
  const waitMs = Math.ceil(Math.max(shortestMs, shortestWait(step, { scopes, counters, waiter })));
  waiter.lapsesAt = step.now + waitMs + lapseMs;
  state.parked.set(waiter.member, waiter);
  return { kind: "parked", waitMs };
}

/** How long nothing is let through, by the cold, by a pause or by the breaker; a probe under way is looked at again soon. */
function closedFor({ state: { cold }, now }: Step, { pausedUntil, breaker }: Scope): number {
  const coldFor = cold === undefined ? 0 : coldMs;
  const pauseMs = Math.max(coldFor, pausedUntil - now, breaker.operated === undefined ? 0 : patienceMs);
  const phase = phaseOf(breaker, now);
  if (phase === "closed") return pauseMs;
  return Math.max(pauseMs, phase === "open" ? breaker.untilAt - now : patienceMs);
}

function readScope(step: Step, place: WaitingPlace): ParkScope {
  const { state, now } = step;
  const { target, tenant } = place.refusal.request;
  const scope =
    place.scope === "target" ? scopeOf(state.targets, target.id) : scopeOf(state.tenants, tenant.id);
  prune(scope, now);
  return {
    place,
    scope,
    input: Math.ceil(place.inputTokens * scope.learned.inputRatio),
    output: place.outputTokens,
    limits: limitsNow(scope, now, place.limits),
    closedForMs: closedFor(step, scope),
  };
}

function hasRoomNow(
  step: Step,
  { scope, limits, input, output, closedForMs }: ParkScope,
  turn: Place,
): boolean {
  if (closedForMs > 0) return false;
  const onPaper = { scope, limits, sums: copyOf(scope.sums) };
  const hasServed = serveWaiters(step, onPaper, turn) && hasRoom(onPaper, input, output);
  return hasServed && !isPaced(onPaper, turn.urgency, step.now);
}

interface Joiner {
  readonly scopes: readonly ParkScope[];
  /** Of the job's tenant in each of them, where it waited until now. */
  readonly counters: readonly (number | undefined)[];
  readonly waiter: Waiter;
}

/** Lets the job wait in each scope, tells each what its waiters wait for; the shortest of what the job waits there. */
function shortestWait({ now }: Step, { scopes, counters, waiter }: Joiner): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const [n, parking] of scopes.entries()) {
    const slack = slackOf(parking.limits, parking.scope.sums);
    joinQueue(parking.scope, { waiter, counter: counters[n], slack });
    parking.scope.waitedLimits = parking.place.limits;
    const { rank, waitMs } = waitIn(parking, waiter, now);
    shortest = Math.min(shortest, waitMs);
    if (rank === 0) waiter.wasFirst = true;
  }
  return shortest;
}

/** Those before this job are taken to need what calls of this scope need on average. */
function waitIn(parking: ParkScope, waiter: Waiter, now: number): { rank: number; waitMs: number } {
  const { scope, limits, closedForMs } = parking;
  const { rank, waitMs } = beforeIn(parking, waiter, now);
  let longest = waitMs;
  const calm = isCalm(waiter.urgency, now);
  for (const window of windows) longest = Math.max(longest, windowWait(parking, { rank, window, now, calm }));
  if (limits.concurrency >= 0 && scope.sums.inFlight + rank >= Math.max(1, limits.concurrency)) {
    const rounds = 1 + rank / Math.max(1, limits.concurrency);
    longest = Math.max(longest, placeMs, 2 * latencyOf(scope) * rounds);
  }
  if (closedForMs > 0) longest = Math.max(longest, closedForMs + rank * apartMs);
  return { rank, waitMs: Math.min(longestMs + rank * apartMs, longest > 0 ? longest : 1_000) };
}

/** How long a waiter waits still. */
function waitOf(waiter: Waiter | undefined, now: number): number {
  return waiter === undefined ? 0 : waiter.lapsesAt - lapseMs - now;
}

interface Lead {
  readonly ahead: number;
  readonly ownAhead: number;
  readonly slack: number;
}

/** Whether the first waiter of another tenant goes before a job of this one that is as far on in its own queue. */
function goesFirst({ ahead, ownAhead, slack }: Lead, first: Waiter, waiter: Waiter): boolean {
  if (ahead > slack !== ownAhead > slack) return ownAhead > slack;
  return ahead > slack ? ahead < ownAhead : isBefore(first, waiter);
}

/** About how many go before this job: of its tenant, and of each other tenant; and how long these wait. */
function beforeIn(
  { scope, limits }: ParkScope,
  waiter: Waiter,
  now: number,
): { rank: number; waitMs: number } {
  const own = scope.waiting.byName.get(waiter.tenantId);
  const ofTenant = rankOf(own?.waiters ?? [], waiter);
  let [rank, waitMs] = [ofTenant, waitOf(own?.waiters[ofTenant - 1], now)];
  const tenants = scope.waiting.byCounter.slice(0, compared);
  const least = tenants[0]?.counter ?? 0;
  const slack = slackOf(limits, scope.sums) / waiter.weight;
  for (const { tenantId, counter, waiters } of tenants) {
    const [first] = waiters;
    if (tenantId === waiter.tenantId || first === undefined) continue;
    const lead = { ahead: counter - least, ownAhead: (own?.counter ?? 0) - least, slack };
    const count = Math.min(waiters.length, ofTenant + (goesFirst(lead, first, waiter) ? 1 : 0));
    waitMs = Math.max(waitMs, waitOf(waiters[count - 1], now));
    rank += count;
  }
  return { rank, waitMs };
}

interface Wait {
  /** How many go before it. */
  readonly rank: number;
  readonly window: Window;
  readonly now: number;
  readonly calm: boolean;
}

/** When those before this job and itself have room in a window, and it may go by its pace; 0 or less when they have. */
function windowWait(parking: ParkScope, { rank, window, now, calm }: Wait): number {
  const { scope, limits } = parking;
  const limit = limits[window.limit];
  if (limit < 0) return 0;
  const [used, need] = [window.amount(scope.sums), window.need(parking)];
  const mean = scope.sums.requests > 0 ? used / scope.sums.requests : need;
  const excess = used + rank * mean + Math.min(need, limit) - limit;
  const slides = excess > 0 ? slideWait(parking, window, excess, now) : 0;
  if (!calm) return slides;
  const usedUntilUs = Math.max(scope.sums.pace[window.limit], now * 1000) + timeOf(limit, rank * mean);
  return Math.max(slides, paceWait(limit, used, usedUntilUs, now));
}

/** When entries worth `excess` will have left a window. */
function slideWait({ scope, limits }: ParkScope, window: Window, excess: number, now: number): number {
  const even = (windowMs * excess) / Math.max(1, limits[window.limit]);
  const { entries, first } = scope.log;
  let [freed, last] = [0, 0];
  for (let n = first; n < first + mostRead; n += 1) {
    const entry = entries[n];
    if (entry === undefined)
      return Math.max(windowMs - Math.min(50_000, Math.max(5_000, 3 * latencyOf(scope))), even);
    freed += window.amount(entry);
    last = entry.leavesAt - now;
    if (freed >= excess) return last;
  }
  return Math.max(last, even);
}

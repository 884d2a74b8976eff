import type { Turn } from "@sluice/domain";
import { memberOf, type PlaceAnswer, type WaitedLimits, type WaitingPlace } from "../parking.ts";
import { patienceMs, phaseOf } from "./breaker.ts";
import { prune, windowMs } from "./common.ts";
import { scopeOf } from "./create-state.ts";
import type { Scope, Step, Waiter } from "./state.ts";
import {
  copyOf,
  hasRoom,
  latencyOf,
  type Place,
  rankOf,
  serveWaiters,
  startedSlowly,
  unpark,
} from "./waiters.ts";
import { type Window, windows } from "./windows.ts";

const shortestMs = 10;
const longestMs = 300_000;
const lapseMs = 10_000;
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
  const place: Place = { member: memberOf(turn), urgency: turn.effectiveDeadlineAt };
  const scopes: ParkScope[] = [];
  for (const waiting of places) {
    const scope = readScope(step, waiting);
    scopes.push(scope);
    if (hasRoomNow(step, scope, place)) return { kind: "room", place: waiting };
  }
  unpark(state, place.member);
  if (scopes.length === 0) return { kind: "parked", waitMs: longestMs };
  const waitMs = Math.ceil(Math.max(shortestMs, shortestWait(step, scopes, place)));
  const waiter: Waiter = {
    ...place,
    job: { jobId: turn.jobId, model: turn.model },
    lapsesAt: step.now + waitMs + lapseMs,
    awakeUntil: 0,
    timesWoken: 0,
    places: scopes.map(({ scope, input, output }) => ({ scope, input, output })),
  };
  for (const { scope } of scopes) enter(scope, waiter);
  state.parked.set(waiter.member, waiter);
  return { kind: "parked", waitMs };
}

function enter({ waiters }: Scope, waiter: Waiter): void {
  const rank = rankOf(waiters, waiter);
  if (waiters[rank] !== waiter) waiters.splice(rank, 0, waiter);
}

/** How long nothing is let through, by a pause or by the breaker; a probe under way is looked at again soon. */
function closedFor({ pausedUntil, breaker }: Scope, now: number): number {
  const pauseMs = Math.max(0, pausedUntil - now, breaker.operated === undefined ? 0 : patienceMs);
  const phase = phaseOf(breaker, now);
  if (phase === "closed") return pauseMs;
  return Math.max(pauseMs, phase === "open" ? breaker.untilAt - now : patienceMs);
}

function readScope({ state, now }: Step, place: WaitingPlace): ParkScope {
  const { target, tenant } = place.refusal.request;
  const scope =
    place.scope === "target" ? scopeOf(state.targets, target.id) : scopeOf(state.tenants, tenant.id);
  prune(scope, now);
  return {
    place,
    scope,
    input: Math.ceil(place.inputTokens * scope.learned.inputRatio),
    output: place.outputTokens,
    limits: startedSlowly(scope, now, place.limits),
    closedForMs: closedFor(scope, now),
  };
}

function hasRoomNow(
  step: Step,
  { scope, limits, input, output, closedForMs }: ParkScope,
  turn: Place,
): boolean {
  if (closedForMs > 0) return false;
  const onPaper = { scope, limits, sums: copyOf(scope.sums) };
  return serveWaiters(step, onPaper, turn) && hasRoom(onPaper, input, output);
}

/** The shortest of what the job waits in each scope; tells each scope what its waiters wait for. */
function shortestWait({ now }: Step, scopes: readonly ParkScope[], place: Place): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const parking of scopes) {
    parking.scope.waitedLimits = parking.place.limits;
    shortest = Math.min(shortest, waitIn(parking, rankOf(parking.scope.waiters, place), now));
  }
  return shortest;
}

/** Those before this job are taken to need what calls of this scope need on average. */
function waitIn(parking: ParkScope, rank: number, now: number): number {
  const { scope, limits, closedForMs } = parking;
  let longest = waitBefore(scope, rank, now);
  for (const window of windows) longest = Math.max(longest, windowWait(parking, rank, window, now));
  if (limits.concurrency >= 0 && scope.sums.inFlight + rank >= Math.max(1, limits.concurrency)) {
    const rounds = 1 + rank / Math.max(1, limits.concurrency);
    longest = Math.max(longest, placeMs, 2 * latencyOf(scope) * rounds);
  }
  if (closedForMs > 0) longest = Math.max(longest, closedForMs + rank * apartMs);
  return Math.min(longestMs + rank * apartMs, longest > 0 ? longest : 1_000);
}

/** How long the job before this one waits still: nobody overtakes it. */
function waitBefore({ waiters }: Scope, rank: number, now: number): number {
  const before = waiters[rank - 1];
  return before === undefined ? 0 : before.lapsesAt - lapseMs - now;
}

/** When those before this job and itself have room in a window; 0 when they have. */
function windowWait(parking: ParkScope, rank: number, window: Window, now: number): number {
  const { scope, limits } = parking;
  const limit = limits[window.limit];
  if (limit < 0) return 0;
  const [used, need] = [window.amount(scope.sums), window.need(parking)];
  const mean = scope.sums.requests > 0 ? used / scope.sums.requests : need;
  const excess = used + rank * mean + Math.min(need, limit) - limit;
  return excess > 0 ? slideWait(parking, window, excess, now) : 0;
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

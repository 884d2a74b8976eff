import type {
  Capacity,
  Clock,
  EngineConfig,
  FileStore,
  HeldMoney,
  JobToRun,
  Metrics,
  Random,
  Refusal,
  Reservation,
  ReserveAnswer,
  ReservedUse,
  ReserveRequest,
  Route,
  Signals,
  Target,
} from "@sluice/domain";
import { decideRoute, reopensAt } from "@sluice/routing";
import type { Purse } from "./budgets.ts";
import { lookUp } from "./look-up.ts";
import { heldMoney, reservedUse, reserveRequest } from "./reserve-request.ts";
import { routeRequest } from "./route-request.ts";
import { targetsOf } from "./spec-job.ts";
import type { Turns } from "./turns.ts";

/** Where a job goes now, or why it goes nowhere. */
export type Placement =
  | {
      readonly kind: "placed";
      readonly target: Target;
      readonly route: Route;
      readonly reservation: Reservation;
      readonly held: HeldMoney | undefined;
      readonly reserved: ReservedUse;
      /** When room was asked for, by the monotonic clock: the reservation is not older. */
      readonly reservedAtMs: number;
    }
  /** Nothing has room before `at`. */
  | { readonly kind: "held"; readonly at: number; readonly limit: string }
  /** What is left of its batch's money pays for it nowhere, and nothing under way can leave enough. */
  | { readonly kind: "unpayable" }
  /** No target can ever serve it. */
  | { readonly kind: "unservable"; readonly reason: string };

export interface PlaceJobPorts {
  readonly capacity: Pick<Capacity, "reserve" | "park">;
  readonly signals: SignalsCache;
  readonly purse: Pick<Purse, "withSpend">;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: Turns;
  /** Bodies of jobs whose models have rules or translations that read them. */
  readonly files: FileStore;
  readonly metrics: Metrics;
  readonly config: () => EngineConfig;
}

const unavailableMs = 5_000;
const shortestHoldMs = 10;
/** A longer wait is taken in parts: a limit may be raised and a pause lifted meanwhile. */
const longestHoldMs = 60_000;
/** Wakes the jobs that one limit holds back not all in the same instant. */
const jitterShare = 0.25;

/** Decides on a target and reserves room on it; goes down the order of the decision until one has room. */
export async function placeJob(ports: PlaceJobPorts, job: JobToRun, owner: string): Promise<Placement> {
  const config = ports.config();
  const alias = lookUp(config.models, job.model);
  if (alias === undefined) return { kind: "unservable", reason: "the model is no longer configured" };
  const targets = targetsOf(config, alias);
  const request = await routeRequest({ files: ports.files, config }, job, alias);
  const signals = await ports.signals.read(targets);
  const now = ports.clock.now();
  const chance = { random: ports.random.next(), turn: ports.turns.next(job.model) };
  const route = decideRoute({ request, config, signals, now, ...chance });
  for (const { error } of route.rules ?? [])
    if (error !== undefined) ports.metrics.increment("sluice_rule_errors_total", { model: job.model });
  if (route.order.length === 0) return nowhere(ports, route);
  const search: Search = { ports, job, route, refusals: [] };
  for (const id of route.order) {
    const target = targets.find((candidate) => candidate.id === id);
    if (target === undefined) continue;
    const placed = await tryTarget(search, reserveRequest(config, job, target, signals, owner));
    if (placed !== undefined) return placed;
  }
  return isUnpayable(search) ? unpayable(ports, route) : parkJob(search);
}

/** One job on its way through the order of its decision. */
interface Search {
  readonly ports: PlaceJobPorts;
  readonly job: JobToRun;
  readonly route: Route;
  /** What it was told so far. */
  readonly refusals: Refusal[];
}

/** Asks one target for room; a refusal goes to the others. */
async function tryTarget(search: Search, asked: ReserveRequest): Promise<Placement | undefined> {
  const { ports, job, route, refusals } = search;
  const { target } = asked;
  const reservedAtMs = ports.clock.monotonicMs();
  const { answer, request } = await reserve(search, asked);
  if (answer.kind === "denied") {
    const { limit, waitMs, isExhausted } = answer;
    refusals.push({ request, limit, waitMs, ...(isExhausted === true ? { isExhausted } : {}) });
    return undefined;
  }
  const heldBack = refusals.map(({ request: { target }, limit, waitMs }) => ({
    target: target.id,
    limit,
    waitMs,
  }));
  const chosen = { ...route, chosen: target.id, heldBack };
  const { reservation } = answer;
  const [held, reserved] = [heldMoney(request, job), reservedUse(request, reservation)];
  return { kind: "placed", target, route: chosen, reservation, held, reserved, reservedAtMs };
}

/** Reserves; where capacity does not know what was spent of a budget, it is told what the ledger says. */
async function reserve(
  { ports, job }: Search,
  request: ReserveRequest,
): Promise<{ readonly answer: ReserveAnswer; readonly request: ReserveRequest }> {
  const answer = await ports.capacity.reserve(request);
  if (answer.kind === "granted" || answer.isUnknown !== true) return { answer, request };
  const told = { ...request, budgets: await ports.purse.withSpend(job, request.budgets ?? []) };
  return { answer: await ports.capacity.reserve(told), request: told };
}

function isUnpayable({ refusals }: Search): boolean {
  return refusals.length > 0 && refusals.every(({ isExhausted }) => isExhausted === true);
}

/** A target that is only paused or failing now may be one that the money pays for. */
function unpayable(ports: PlaceJobPorts, route: Route): Placement {
  const openAt = reopensAt(route);
  if (openAt === undefined) return { kind: "unpayable" };
  return held(ports, route.decidedAt, { limit: "budget.batch", waitMs: openAt - route.decidedAt });
}

/**
 * Lets a job wait for those that refused it. Room that came free in the meantime is taken; if it is gone again, the job
 * comes back after what the refusals said.
 */
async function parkJob(search: Search): Promise<Placement> {
  const { ports, refusals } = search;
  const first = refusals.reduce((least, next) => (next.waitMs < least.waitMs ? next : least));
  const { turn } = first.request;
  if (turn === undefined) return held(ports, ports.clock.now(), first);
  const answer = await ports.capacity.park(turn, refusals);
  const now = ports.clock.now();
  if (answer.kind === "parked")
    return { kind: "held", at: now + Math.max(shortestHoldMs, answer.waitMs), limit: first.limit };
  return (await tryTarget(search, answer.request)) ?? held(ports, now, first);
}

function held(ports: PlaceJobPorts, now: number, full: { limit: string; waitMs: number }): Placement {
  const waitMs = Math.min(longestHoldMs, Math.max(shortestHoldMs, full.waitMs));
  return { kind: "held", at: now + waitMs * (1 + jitterShare * ports.random.next()), limit: full.limit };
}

/** When every candidate is merely paused or failing the job waits for the first of them; otherwise nothing can serve it. */
function nowhere(ports: PlaceJobPorts, route: Route): Placement {
  const now = route.decidedAt;
  const openAt = reopensAt(route);
  if (openAt !== undefined) return held(ports, now, { limit: "paused", waitMs: openAt - now });
  if (route.candidates.length === 0)
    return held(ports, now, { limit: "no-candidates", waitMs: unavailableMs });
  const reasons = new Set(route.candidates.map((candidate) => candidate.dropped?.filter ?? "unknown"));
  return { kind: "unservable", reason: `every target is ruled out by: ${[...reasons].join(", ")}` };
}

/** A snapshot of the signals that many decisions share. */
export interface SignalsCache {
  read(targets: readonly Target[]): Promise<Signals>;
}

const signalsMaxAgeMs = 200;

/** Reads the signals at most every 200 ms; decisions in between share the snapshot, the reservation is exact anyway. */
export function cacheSignals(ports: { capacity: Pick<Capacity, "signals">; clock: Clock }): SignalsCache {
  const kept = new Map<string, { signals: Promise<Signals>; readAt: number }>();
  return {
    read(targets) {
      const key = targets.map((target) => target.id).join("\n");
      const entry = kept.get(key);
      const now = ports.clock.monotonicMs();
      if (entry !== undefined && now - entry.readAt < signalsMaxAgeMs) return entry.signals;
      const signals = ports.capacity.signals(targets);
      kept.set(key, { signals, readAt: now });
      signals.catch(() => kept.delete(key));
      return signals;
    },
  };
}

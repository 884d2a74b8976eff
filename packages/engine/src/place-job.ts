import type {
  Capacity,
  Clock,
  EngineConfig,
  FileStore,
  JobToRun,
  Metrics,
  Random,
  Reservation,
  Route,
  Signals,
  Target,
} from "@sluice/domain";
import { decideRoute, reopensAt } from "@sluice/routing";
import { workerLeaseMs } from "./lease-keeper.ts";
import { lookUp } from "./look-up.ts";
import { routeRequest } from "./route-request.ts";
import { targetsOf, tenantConfig } from "./spec-job.ts";
import type { Turns } from "./turns.ts";

/** Where a job goes now, or why it goes nowhere. */
export type Placement =
  | {
      readonly kind: "placed";
      readonly target: Target;
      readonly route: Route;
      readonly reservation: Reservation;
      /** When room was asked for, by the monotonic clock: the reservation is not older. */
      readonly reservedAtMs: number;
    }
  /** Nothing has room before `at`. */
  | { readonly kind: "held"; readonly at: number; readonly limit: string }
  /** No target can ever serve it. */
  | { readonly kind: "unservable"; readonly reason: string };

export interface PlaceJobPorts {
  readonly capacity: Pick<Capacity, "reserve">;
  readonly signals: SignalsCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: Turns;
  /** Bodies of jobs whose models have rules that read them. */
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
  const request = await routeRequest(ports.files, job, alias);
  const signals = await ports.signals.read(targets);
  const now = ports.clock.now();
  const chance = { random: ports.random.next(), turn: ports.turns.next(job.model) };
  const route = decideRoute({ request, config, signals, now, ...chance });
  for (const { error } of route.rules ?? [])
    if (error !== undefined) ports.metrics.increment("sluice_rule_errors_total", { model: job.model });
  if (route.order.length === 0) return nowhere(ports, route);
  const heldBack: { target: string; limit: string; waitMs: number }[] = [];
  for (const id of route.order) {
    const target = targets.find((candidate) => candidate.id === id);
    if (target === undefined) continue;
    const reservedAtMs = ports.clock.monotonicMs();
    const answer = await ports.capacity.reserve(reserveRequest(config, job, target, signals, owner));
    if (answer.kind === "granted") {
      return {
        kind: "placed",
        target,
        route: { ...route, chosen: id, heldBack },
        reservation: answer.reservation,
        reservedAtMs,
      };
    }
    heldBack.push({ target: id, limit: answer.limit, waitMs: answer.waitMs });
  }
  const first = heldBack.reduce((least, next) => (next.waitMs < least.waitMs ? next : least));
  return held(ports, now, first);
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

function reserveRequest(
  config: EngineConfig,
  job: JobToRun,
  target: Target,
  signals: Signals,
  owner: string,
) {
  const worstOutput = mostOutputTokens(job, target);
  const learned = signals[target.id]?.expectedOutputTokens ?? coldOutputTokens;
  return {
    target,
    tenant: { id: job.tenantId, limits: tenantConfig(config, job.tenantId).limits },
    owner,
    inputTokens: job.inputTokens,
    outputTokens: Math.min(worstOutput, Math.ceil(learned)),
    costUsd: (job.inputTokens * target.price.input + worstOutput * target.price.output) / 1_000_000,
    leaseMs: workerLeaseMs,
    effectiveDeadlineAt: job.effectiveDeadlineAt,
  };
}

const coldOutputTokens = 512;

/** What the request and the target allow. */
function mostOutputTokens(job: JobToRun, target: Target): number {
  if (job.endpoint === "/v1/embeddings" || job.endpoint === "/v1/moderations") return 0;
  return Math.min(job.maxOutputTokens ?? target.maxOutputTokens, target.maxOutputTokens);
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

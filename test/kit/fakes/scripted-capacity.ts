import type {
  JobId,
  ModelCall,
  ModelClient,
  OperatedTarget,
  Outcome,
  ParkAnswer,
  RealUse,
  RebuildableCapacity,
  Refusal,
  Reservation,
  ReserveRequest,
  Signals,
  TargetSignals,
  Turn,
} from "@sluice/domain";
import { createFaults, type Faults } from "./faults.ts";

type CapacityMethod =
  | "reserve"
  | "park"
  | "leave"
  | "holds"
  | "settle"
  | "release"
  | "renew"
  | "learn"
  | "pause"
  | "observe"
  | "operate"
  | "signals";

/** Capacity that grants everything but what a test lists in `full`; keeps what it is told. */
export interface ScriptedCapacity extends RebuildableCapacity {
  /** Answers of full targets by id. */
  readonly full: Map<
    string,
    { readonly limit: string; readonly waitMs: number; readonly isExhausted?: true }
  >;
  /** Budgets, by key, of which it does not know what was spent. */
  readonly unknown: Set<string>;
  readonly known: Map<string, Partial<TargetSignals>>;
  readonly faults: Faults<CapacityMethod>;
  readonly parked: { readonly turn: Turn; readonly refusals: readonly Refusal[] }[];
  /** Jobs that have stopped waiting. */
  readonly left: JobId[];
  /** Answers of `park`, in turn; beyond them jobs are parked for the shortest wait of their refusals. */
  readonly parking: ((refusals: readonly Refusal[]) => ParkAnswer)[];
  readonly requests: ReserveRequest[];
  /** Reservations that were granted and neither settled nor released. */
  readonly open: Map<string, Reservation>;
  readonly settlements: { readonly reservation: Pick<Reservation, "id">; readonly use: RealUse }[];
  readonly pauses: { readonly targetId: string; readonly untilAt: number; readonly reason: string }[];
  readonly observed: { readonly targetId: string; readonly ok: boolean | undefined }[];
  readonly learned: string[];
  readonly renewed: string[];
  readonly operated: OperatedTarget[];
}

const idle: TargetSignals = {
  inFlight: 0,
  requestsUsed: 0,
  tokensUsed: 0,
  concurrencyUsed: 0,
  latencyMs: undefined,
  errorRate: 0,
  pausedUntil: 0,
};

/** Makes a capacity with room everywhere. */
export function createScriptedCapacity(): ScriptedCapacity {
  const faults = createFaults<CapacityMethod>();
  const script: Pick<
    ScriptedCapacity,
    | "full"
    | "unknown"
    | "known"
    | "parked"
    | "left"
    | "parking"
    | "requests"
    | "open"
    | "settlements"
    | "pauses"
    | "observed"
    | "learned"
    | "renewed"
    | "operated"
  > = {
    full: new Map(),
    unknown: new Set(),
    known: new Map(),
    parked: [],
    left: [],
    parking: [],
    requests: [],
    open: new Map(),
    settlements: [],
    pauses: [],
    observed: [],
    learned: [],
    renewed: [],
    operated: [],
  };

  function grant(request: ReserveRequest): Reservation {
    const id = `reservation-${script.requests.length}`;
    const reservation = { id, targetId: request.target.id, tenantId: request.tenant.id };
    script.open.set(id, reservation);
    return reservation;
  }

  return {
    ...script,
    faults,
    reserve: (request) =>
      faults.run("reserve", () => {
        script.requests.push(request);
        const unknown = request.budgets?.find(
          ({ key, spentUsd }) => spentUsd === undefined && script.unknown.has(key),
        );
        if (unknown !== undefined) return { kind: "denied", limit: unknown.key, waitMs: 0, isUnknown: true };
        const denial = script.full.get(request.target.id);
        if (denial !== undefined) return { kind: "denied", ...denial };
        return { kind: "granted", reservation: grant(request) };
      }),
    park: (turn, refusals) =>
      faults.run("park", () => {
        script.parked.push({ turn, refusals });
        const waitMs = Math.min(...refusals.map((refusal) => refusal.waitMs));
        return script.parking.shift()?.(refusals) ?? { kind: "parked", waitMs };
      }),
    leave: ({ jobId }) => faults.run("leave", () => void script.left.push(jobId)),
    holds: ({ id }) => faults.run("holds", () => script.open.has(id)),
    settle: (reservation, use) =>
      faults.run("settle", () => {
        script.open.delete(reservation.id);
        script.settlements.push({ reservation, use });
      }),
    release: (reservation) => faults.run("release", () => void script.open.delete(reservation.id)),
    renew: (owner) => faults.run("renew", () => void script.renewed.push(owner)),
    learn: (target) => faults.run("learn", () => void script.learned.push(target.id)),
    pause: (targetId, untilAt, reason) =>
      faults.run("pause", () => void script.pauses.push({ targetId, untilAt, reason })),
    observe: (targetId, { ok }) => faults.run("observe", () => void script.observed.push({ targetId, ok })),
    operate: (states) => faults.run("operate", () => void script.operated.push(...states)),
    signals: (targets) =>
      faults.run(
        "signals",
        (): Signals =>
          Object.fromEntries(targets.map(({ id }) => [id, { ...idle, ...script.known.get(id) }])),
      ),
    claimRebuild: async () => ({ kind: "warm" }),
    warm: async () => false,
    reservationsOf: async () => [...script.open.keys()],
  };
}

/** What the next call comes to: an outcome, or a function that makes one (or throws). */
export type ScriptedCall = Outcome | ((call: ModelCall) => Outcome | Promise<Outcome>);

/** A model client that goes through a script; a call beyond it throws. */
export function createScriptedModels(script: ScriptedCall[] = []): ModelClient & {
  readonly calls: ModelCall[];
  readonly script: ScriptedCall[];
} {
  const calls: ModelCall[] = [];
  return {
    calls,
    script,
    async call(call) {
      calls.push(call);
      const next = script.shift();
      if (next === undefined) throw new Error("the script of calls has ended");
      return typeof next === "function" ? next(call) : next;
    },
  };
}

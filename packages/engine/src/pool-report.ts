import {
  type Capacity,
  type EngineConfig,
  type OperatedTarget,
  type Pool,
  type Signals,
  SluiceError,
  type Target,
  type TargetLedger,
  type TargetSignals,
  type TargetState,
} from "@sluice/domain";
import { lookUp } from "./look-up.ts";

/** What a report is made from. */
export interface PoolReportPorts {
  readonly ledger: Pick<TargetLedger, "targetStates">;
  readonly capacity: Pick<Capacity, "signals">;
  readonly config: () => EngineConfig;
}

/** A target with what an operator said of it and what is known of it now; `signals` is absent while Redis is away. */
export interface TargetReport {
  readonly target: Target;
  readonly state: TargetState;
  /** Given by an operator in place of the configured one. */
  readonly weight: number | undefined;
  readonly signals: TargetSignals | undefined;
}

/** A pool with its targets, as `GET /v1/pools` tells it. */
export interface PoolReport {
  readonly pool: string;
  readonly targets: readonly TargetReport[];
}

/** Every pool of the configuration with what is known of its targets. */
export async function readPools(ports: PoolReportPorts): Promise<PoolReport[]> {
  return reportPools(ports, Object.values(ports.config().pools));
}

/** The same of some pools. */
export async function reportPools(ports: PoolReportPorts, pools: readonly Pool[]): Promise<PoolReport[]> {
  const [states, signals] = await Promise.all([
    ports.ledger.targetStates(),
    readSignals(
      ports,
      pools.flatMap(({ targets }) => targets),
    ),
  ]);
  const operated = new Map(states.map((each) => [each.targetId, each]));
  return pools.map(({ name, targets }) => ({
    pool: name,
    targets: targets.map((target) => reportOf(target, operated.get(target.id), signals)),
  }));
}

/** One target with what an operator said of it, if one did. */
export function reportOf(
  target: Target,
  operated: OperatedTarget | undefined,
  signals: Signals,
): TargetReport {
  return {
    target,
    state: operated?.state ?? "active",
    weight: operated?.weight,
    signals: signals[target.id],
  };
}

/** The signals of targets; none while Redis is away. */
export async function readSignals(
  { capacity }: Pick<PoolReportPorts, "capacity">,
  targets: readonly Target[],
): Promise<Signals> {
  return capacity.signals(targets).catch(() => ({}));
}

/** Throws `not_found` naming `pool`. */
export function findPool(config: EngineConfig, name: string): Pool {
  const pool = lookUp(config.pools, name);
  if (pool === undefined)
    throw new SluiceError("not_found", `There is no pool ${JSON.stringify(name)}.`, { param: "pool" });
  return pool;
}

/** Throws `not_found` naming `param`. */
export function findTarget(pool: Pool, id: string, param: "target" | "from" | "to"): Target {
  const target = pool.targets.find((candidate) => candidate.id === id);
  if (target === undefined)
    throw new SluiceError("not_found", `Pool ${pool.name} has no target ${JSON.stringify(id)}.`, { param });
  return target;
}

import {
  type Capacity,
  type Clock,
  type EngineConfig,
  type Logger,
  type OperatedTarget,
  SluiceError,
  type Target,
  type TargetLedger,
  type TargetSignals,
  type TargetState,
} from "@sluice/domain";
import { lookUp } from "./look-up.ts";

export interface OperateTargetPorts {
  readonly ledger: TargetLedger;
  readonly capacity: Pick<Capacity, "operate" | "signals">;
  readonly clock: Clock;
  readonly config: () => EngineConfig;
}

/** A target with what an operator said of it and what is known of it now; `signals` is absent while Redis is away. */
export interface TargetReport {
  readonly target: Target;
  readonly state: TargetState;
  readonly signals: TargetSignals | undefined;
}

/** A pool with its targets, as `GET /v1/pools` tells it. */
export interface PoolReport {
  readonly pool: string;
  readonly targets: readonly TargetReport[];
}

/**
 * Pauses, drains or resumes a target: committed first, then told to Redis; should that fail, workers tell it within
 * seconds. Saying it again is harmless. Throws `not_found` naming `pool` or `target`.
 */
export async function operateTarget(
  ports: OperateTargetPorts,
  asked: { readonly pool: string; readonly target: string; readonly to: TargetState },
): Promise<TargetReport> {
  const target = findTarget(ports.config(), asked.pool, asked.target);
  const operated = await ports.ledger.setTargetState(target.id, asked.to, ports.clock.now());
  await ports.capacity.operate([operated]).catch(() => undefined);
  const signals = await readSignals(ports, [target]);
  return { target, state: operated.state, signals: signals[target.id] };
}

/** Every pool of the configuration with what is known of its targets. */
export async function readPools(ports: OperateTargetPorts): Promise<PoolReport[]> {
  const pools = Object.values(ports.config().pools);
  const [states, signals] = await Promise.all([
    ports.ledger.targetStates(),
    readSignals(
      ports,
      pools.flatMap(({ targets }) => targets),
    ),
  ]);
  const stateOf = new Map(states.map(({ targetId, state }) => [targetId, state]));
  return pools.map(({ name, targets }) => ({
    pool: name,
    targets: targets.map((target) => ({
      target,
      state: stateOf.get(target.id) ?? "active",
      signals: signals[target.id],
    })),
  }));
}

const everyMs = 2_000;

/**
 * Tells Redis again and again what operators have said, so that a loss of Redis resumes nothing. Costs no command
 * while no target was ever paused. The returned function ends it.
 */
export function keepTargetStates({
  ledger,
  capacity,
  clock,
  logger,
}: {
  readonly ledger: Pick<TargetLedger, "targetStates">;
  readonly capacity: Pick<Capacity, "operate">;
  readonly clock: Clock;
  readonly logger: Logger;
}): () => void {
  let stopped = false;
  let cancel = (): void => undefined;

  async function tell(): Promise<void> {
    try {
      const states: readonly OperatedTarget[] = await ledger.targetStates();
      if (states.length > 0) await capacity.operate(states);
    } catch (error) {
      logger.warn({ err: error }, "the states of targets could not be passed on");
    }
    if (!stopped) cancel = clock.setTimer(everyMs, () => void tell());
  }

  void tell();
  return () => {
    stopped = true;
    cancel();
  };
}

async function readSignals(ports: OperateTargetPorts, targets: readonly Target[]) {
  return ports.capacity.signals(targets).catch(() => ({}) as Readonly<Record<string, TargetSignals>>);
}

function findTarget(config: EngineConfig, poolName: string, id: string): Target {
  const pool = lookUp(config.pools, poolName);
  if (pool === undefined)
    throw new SluiceError("not_found", `There is no pool ${JSON.stringify(poolName)}.`, { param: "pool" });
  const target = pool.targets.find((candidate) => candidate.id === id);
  if (target === undefined)
    throw new SluiceError("not_found", `Pool ${pool.name} has no target ${JSON.stringify(id)}.`, {
      param: "target",
    });
  return target;
}

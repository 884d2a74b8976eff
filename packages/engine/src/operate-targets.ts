import {
  type Capacity,
  type Clock,
  type GivenWeight,
  type Logger,
  type OperatedTarget,
  SluiceError,
  type Target,
  type TargetLedger,
  type TargetState,
} from "@sluice/domain";
import {
  findPool,
  findTarget,
  type PoolReport,
  type PoolReportPorts,
  readSignals,
  reportOf,
  reportPools,
  type TargetReport,
} from "./pool-report.ts";

/** What changing a target needs. */
export interface OperateTargetPorts extends PoolReportPorts {
  readonly ledger: TargetLedger;
  readonly capacity: Pick<Capacity, "operate" | "signals">;
  readonly clock: Clock;
}

/**
 * Pauses, drains or resumes a target: committed first, then told to Redis; should that fail, workers tell it within
 * seconds. Saying it again is harmless. Throws `not_found` naming `pool` or `target`.
 */
export async function operateTarget(
  ports: OperateTargetPorts,
  asked: { readonly pool: string; readonly target: string; readonly to: TargetState },
): Promise<TargetReport> {
  const target = findTarget(findPool(ports.config(), asked.pool), asked.target, "target");
  const operated = await ports.ledger.setTargetState(target.id, asked.to, ports.clock.now());
  await ports.capacity.operate([operated]).catch(() => undefined);
  return reportOf(target, operated, await readSignals(ports, [target]));
}

/**
 * Gives a target a weight in place of the configured one, or takes it back (`undefined`): from then on the jobs of its
 * pool are shared by weight, whatever the policy. Committed and told as by {@link operateTarget}, which throws the same.
 */
export async function giveWeight(
  ports: OperateTargetPorts,
  asked: { readonly pool: string; readonly target: string; readonly weight: number | undefined },
): Promise<TargetReport> {
  const target = findTarget(findPool(ports.config(), asked.pool), asked.target, "target");
  const given = await giveWeights(ports, [{ targetId: target.id, weight: asked.weight }]);
  return reportOf(target, given[0], await readSignals(ports, [target]));
}

/**
 * Gives `to` a share of what `from` and `to` get together, both by weight; the other targets of the pool keep theirs.
 * `percent` is 0..100. Throws `not_found` naming `pool`, `from` or `to`, `invalid_value` when the two are one.
 */
export async function shiftTraffic(
  ports: OperateTargetPorts,
  asked: { readonly pool: string; readonly from: string; readonly to: string; readonly percent: number },
): Promise<PoolReport> {
  const pool = findPool(ports.config(), asked.pool);
  const from = findTarget(pool, asked.from, "from");
  const to = findTarget(pool, asked.to, "to");
  if (from.id === to.id)
    throw new SluiceError("invalid_value", "'to' must be another target than 'from'.", { param: "to" });
  const states = await ports.ledger.targetStates();
  const weightOf = ({ id, weight }: Target) =>
    states.find(({ targetId }) => targetId === id)?.weight ?? weight;
  // What both have together stays, so that no other target's share changes; without any, what is configured.
  const sum = weightOf(from) + weightOf(to) || from.weight + to.weight;
  await giveWeights(ports, [
    { targetId: from.id, weight: (sum * (100 - asked.percent)) / 100 },
    { targetId: to.id, weight: (sum * asked.percent) / 100 },
  ]);
  const [report] = await reportPools(ports, [pool]);
  if (report === undefined) throw new Error("a pool had no report");
  return report;
}

async function giveWeights(ports: OperateTargetPorts, weights: readonly GivenWeight[]) {
  const operated = await ports.ledger.setTargetWeights(weights, ports.clock.now());
  await ports.capacity.operate(operated).catch(() => undefined);
  return operated;
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

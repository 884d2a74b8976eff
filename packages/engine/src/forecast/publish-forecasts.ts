import type {
  BacklogReading,
  Capacity,
  Clock,
  EngineConfig,
  ForecastBoard,
  ForecastLedger,
  Target,
} from "@sluice/domain";
import { bandBoundsMs, createForecastKeeper, type ForecastKeeper, horizonsMs } from "@sluice/scheduling";
import type { WindowSizes } from "../window-sizes.ts";

export interface PublishForecastsPorts {
  readonly ledger: ForecastLedger;
  readonly board: ForecastBoard;
  readonly capacity: Pick<Capacity, "signals">;
  readonly sizes: WindowSizes;
  readonly clock: Clock;
  readonly config: () => EngineConfig;
}

/** Reading a large backlog costs the ledger a second or more: then comes a rest of so many times as long. */
const restPerTurn = 19;

/**
 * Makes the leader's duty that reads the backlog, takes in what other processes have reported, and publishes what
 * predictions are made from. What it has learned lives in its memory; a new leader goes on from the last snapshot.
 */
export function createForecastPublisher(
  ports: PublishForecastsPorts,
): (leaderEpoch: number) => Promise<void> {
  let keeper: ForecastKeeper | undefined;
  let keeperEpoch: number | undefined;
  let lastAt: number | undefined;
  let restsUntilMs = Number.NEGATIVE_INFINITY;

  async function publish(leaderEpoch: number): Promise<void> {
    if (keeper === undefined || leaderEpoch !== keeperEpoch) {
      keeper = createForecastKeeper(await ports.board.read());
      keeperEpoch = leaderEpoch;
      lastAt = undefined;
    }
    const now = ports.clock.now();
    const reading = await ports.ledger.readBacklog({
      now,
      overdueSince: lastAt ?? now,
      boundsMs: bandBoundsMs,
      horizonsMs,
    });
    await learnSets(ports, reading);
    lastAt = now;
    const snapshot = keeper.next({
      now,
      reading,
      targets: await targetsWithSignals(ports),
      targetsOf: (candidateSet) => ports.sizes.targetsOf(candidateSet),
      reports: await ports.board.takeReports(),
    });
    await ports.board.publish(snapshot);
  }

  return async (leaderEpoch) => {
    const startedAtMs = ports.clock.monotonicMs();
    if (startedAtMs < restsUntilMs) return;
    await publish(leaderEpoch);
    const endedAtMs = ports.clock.monotonicMs();
    restsUntilMs = endedAtMs + restPerTurn * (endedAtMs - startedAtMs);
  };
}

async function learnSets({ ledger, sizes }: PublishForecastsPorts, { sums }: BacklogReading): Promise<void> {
  const sets = new Set(sums.map(({ candidateSet }) => candidateSet));
  const unknown = [...sets].filter((set) => !sizes.knows(set));
  if (unknown.length > 0) for (const sample of await ledger.sampleLive(unknown)) await sizes.learn(sample);
}

async function targetsWithSignals({ capacity, config }: PublishForecastsPorts) {
  const targets: Target[] = Object.values(config().pools).flatMap((pool) => pool.targets);
  const signals = await capacity.signals(targets);
  return targets.map((target) => ({ target, signals: signals[target.id] }));
}

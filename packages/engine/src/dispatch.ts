import type {
  BatchLedger,
  BudgetLedger,
  Capacity,
  Clock,
  ContentLedger,
  DeadLetters,
  DispatchLedger,
  EngineConfig,
  FileStore,
  ForecastBoard,
  ForecastLedger,
  IdQueue,
  IdSource,
  Lanes,
  LineBytesOf,
  Logger,
  Metrics,
  MovedJob,
} from "@sluice/domain";
import { newEventIds } from "./end-job.ts";
import { createFeeder } from "./feed-lanes.ts";
import { createForecastPublisher } from "./forecast/publish-forecasts.ts";
import { reconcileLanes, returnUnlocked } from "./reconcile-lanes.ts";
import type { WindowSizes } from "./window-sizes.ts";

export interface DispatchPorts {
  readonly ledger: DispatchLedger &
    ForecastLedger &
    Pick<BatchLedger, "finaliseBatches" | "batchesToValidate"> &
    Pick<BudgetLedger, "stopFailingBatches"> &
    Pick<ContentLedger, "purgeFiles" | "dropContents">;
  readonly lanes: Lanes;
  readonly board: ForecastBoard;
  readonly capacity: Pick<Capacity, "signals">;
  readonly batches: IdQueue;
  readonly deliveries: IdQueue;
  readonly files: Pick<FileStore, "removeAbandoned" | "delete">;
  readonly deadLetters: DeadLetters;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sizes: WindowSizes;
  readonly config: () => EngineConfig;
  /** Length of the error line of a job that ended without a result (contracts). */
  readonly failureLineBytes: LineBytesOf;
}

/** One regular task of the leader. */
export interface Duty {
  readonly name: string;
  readonly everyMs: number;
  readonly run: (leaderEpoch: number) => Promise<void>;
}

const expireAtOnce = 1000;
const sweepLimit = 500;
/** A delivery or validation that nobody took for this long was lost on its way to the queue. */
const overdueMs = 10_000;

/** Claims forgotten at each turn: more than a busy API makes between two. */
const claimsAtOnce = 10_000;

/** An upload that nothing was written to for this long has broken off. */
const abandonedMs = 3_600_000;

/** Everything the leading dispatcher does, each as a duty of its own: one that fails is tried again at its next turn. */
export function dispatchDuties(ports: DispatchPorts): Duty[] {
  const { ledger, lanes, clock } = ports;
  const newIds = () => newEventIds(ports.ids);
  const feed = createFeeder(ports);
  let generation: string | undefined;

  async function watchGeneration(): Promise<void> {
    const seen = await lanes.generation();
    if (seen === generation) return;
    if (generation !== undefined)
      ports.logger.warn({}, "Redis has lost its data; the lanes are rebuilt from the ledger");
    await reconcileLanes(ports);
    generation = seen;
  }

  return [
    { name: "rebuild", everyMs: 1_000, run: watchGeneration },
    { name: "forecast", everyMs: 1_000, run: createForecastPublisher(ports) },
    { name: "feed", everyMs: 100, run: async (epoch) => void (await feed(epoch)) },
    { name: "stop-failing", everyMs: 1_000, run: async (epoch) => stopFailing(ports, epoch) },
    { name: "finalise", everyMs: 500, run: async (epoch) => finalise(ports, epoch) },
    {
      name: "expire",
      everyMs: 1_000,
      run: async (epoch) =>
        announce(
          ports,
          await ledger.expireJobs(epoch, clock.now(), expireAtOnce, newIds, ports.failureLineBytes),
        ),
    },
    { name: "return-dead", everyMs: 2_000, run: async (epoch) => returnDead(ports, epoch) },
    {
      name: "return-unlocked",
      everyMs: 5_000,
      run: async () => void (await returnUnlocked(ports, Object.keys(ports.config().models))),
    },
    { name: "measure-lanes", everyMs: 5_000, run: () => measureLanes(ports) },
    { name: "reconcile", everyMs: 15_000, run: async () => void (await reconcileLanes(ports)) },
    { name: "sweep-deliveries", everyMs: 5_000, run: () => sweepDeliveries(ports) },
    { name: "sweep-batches", everyMs: 5_000, run: () => sweepBatches(ports) },
    { name: "purge-files", everyMs: 5_000, run: (epoch) => purgeFiles(ports, epoch) },
    {
      name: "forget-claims",
      everyMs: 5_000,
      run: async (epoch) => void (await ledger.forgetClaims(epoch, clock.now(), claimsAtOnce)),
    },
    {
      name: "remove-abandoned",
      everyMs: 600_000,
      run: async () => void (await ports.files.removeAbandoned(clock.now() - abandonedMs)),
    },
    { name: "partitions", everyMs: 3_600_000, run: () => ledger.ensurePartitions(clock.now()) },
  ];
}

async function measureLanes({ lanes, metrics, config }: DispatchPorts): Promise<void> {
  for (const lane of Object.keys(config().models)) {
    for (const [state, count] of Object.entries(await lanes.depth(lane)))
      metrics.set("sluice_lane_depth", { lane, state }, count);
  }
}

/** Their lines are cancelled at the next turn of {@link finalise}. */
async function stopFailing({ ledger, clock, logger }: DispatchPorts, leaderEpoch: number): Promise<void> {
  for (const batchId of await ledger.stopFailingBatches(leaderEpoch, clock.now()))
    logger.info({ batchId }, "the batch is ended: too many of its lines failed");
}

async function finalise(ports: DispatchPorts, leaderEpoch: number): Promise<void> {
  const ended = await ports.ledger.finaliseBatches(
    leaderEpoch,
    ports.clock.now(),
    () => newEventIds(ports.ids),
    ports.failureLineBytes,
  );
  for (const batch of ended) ports.logger.info({ batchId: batch.id, status: batch.status }, "batch ended");
  await addDeliveries(ports, ended);
}

async function returnDead(ports: DispatchPorts, leaderEpoch: number): Promise<void> {
  const moved = await ports.ledger.returnJobsOfDeadWorkers(
    leaderEpoch,
    ports.clock.now(),
    () => newEventIds(ports.ids),
    ports.failureLineBytes,
  );
  if (moved.length === 0) return;
  ports.logger.warn({ count: moved.length }, "a worker's lease is over; its jobs are run again");
  const again = moved.filter((job) => job.state === "waiting");
  ports.metrics.increment("sluice_duplicate_spend_total", {}, again.length);
  await ports.lanes.replace(again);
  await announce(
    ports,
    moved.filter((job) => job.state !== "waiting"),
  );
}

async function announce(ports: DispatchPorts, moved: readonly MovedJob[]): Promise<void> {
  for (const job of moved) ports.metrics.increment("sluice_jobs_finished_total", { outcome: job.state });
  await addDeliveries(ports, moved);
  const dead = moved.filter((job) => job.state === "dead");
  if (dead.length > 0) {
    await ports.deadLetters.add(
      dead.map(({ jobId, model, failureCode }) => ({
        jobId,
        model,
        code: failureCode ?? "ambiguous_attempt",
      })),
    );
  }
}

async function sweepDeliveries(ports: DispatchPorts): Promise<void> {
  const overdue = await ports.ledger.overdueDeliveries(ports.clock.now() - overdueMs, sweepLimit);
  if (overdue.length > 0) await ports.deliveries.add(overdue.map((id) => ({ id })));
}

async function sweepBatches(ports: DispatchPorts): Promise<void> {
  const batches = await ports.ledger.batchesToValidate(sweepLimit);
  if (batches.length > 0) await ports.batches.add(batches.map((id) => ({ id })));
}

/** First the files whose time is over, then the contents that nothing uses any more. */
async function purgeFiles({ ledger, files, clock }: DispatchPorts, leaderEpoch: number): Promise<void> {
  await ledger.purgeFiles(leaderEpoch, clock.now(), sweepLimit);
  await ledger.dropContents(clock.now(), sweepLimit, (key) => files.delete(key));
}

async function addDeliveries(
  ports: DispatchPorts,
  ended: readonly { deliveryIds: readonly string[] }[],
): Promise<void> {
  const items = ended.flatMap(({ deliveryIds }) => deliveryIds.map((id) => ({ id })));
  if (items.length > 0) await ports.deliveries.add(items);
}

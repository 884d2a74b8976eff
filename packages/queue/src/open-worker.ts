import type { Clock } from "@sluice/domain";
import type { QueueName, RedisClient } from "@sluice/redis";
import { type Job, type Telemetry, Worker } from "bullmq";
import { asConnection } from "./open-queue.ts";
import { blockSeconds, connectionRetryMs, keptCompleted, keptFailed, lockMs } from "./settings.ts";
import { within } from "./within.ts";

/**
 * Who puts back the pointers of a dead worker: BullMQ (in front of everything else), or the `dispatcher`
 * (with their priority, when the worker's lease in the ledger is over).
 */
export type StallRecovery = "bullmq" | "dispatcher";

export interface OpenWorker {
  readonly redis: RedisClient;
  readonly queue: QueueName;
  readonly concurrency: number;
  readonly stallRecovery: StallRecovery;
  readonly workerName: string;
  readonly process: (job: Job, token: string) => Promise<unknown>;
  readonly onError: (error: Error) => void;
  readonly telemetry?: Telemetry | undefined;
}

/** Starts BullMQ's worker with Sluice's settings. */
export function openWorker(options: OpenWorker): Worker {
  const worker = new Worker(options.queue.name, (job, token) => options.process(job, token ?? ""), {
    connection: asConnection(options.redis),
    prefix: options.queue.prefix,
    name: options.workerName,
    concurrency: options.concurrency,
    lockDuration: lockMs,
    drainDelay: blockSeconds,
    runRetryDelay: connectionRetryMs,
    skipStalledCheck: options.stallRecovery === "dispatcher",
    stalledInterval: lockMs,
    // A pointer survives any number of deaths: poison is counted by the ledger, which sees attempts, not claims.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    removeOnComplete: { count: keptCompleted },
    removeOnFail: { count: keptFailed },
    ...(options.telemetry === undefined ? {} : { telemetry: options.telemetry }),
  });
  worker.on("error", options.onError);
  return worker;
}

/**
 * Closes a worker: it ends what it has claimed and closes its blocking connection. When that takes longer
 * than `timeoutMs` (Redis is away, or a handler runs on) the blocking connection is cut and the rest goes
 * on in the background.
 */
export async function closeWorker(worker: Worker, clock: Clock, timeoutMs: number): Promise<void> {
  if (await within(clock, timeoutMs, worker.close())) return;
  void worker
    .getBackend()
    .blockingClient?.then((client) => client.disconnect())
    .catch(() => undefined);
}

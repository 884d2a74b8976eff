import type { Clock, IdQueue, Verdict } from "@sluice/domain";
import { type OnError, queueKeys, type RedisClient, sideQueue } from "@sluice/redis";
import type { Telemetry } from "bullmq";
import { type Consumer, createConsumer } from "./consumer.ts";
import { createQueueInspector, type PointerState } from "./inspect-queue.ts";
import { openQueue } from "./open-queue.ts";
import { payloadV1, pointerName } from "./payload.ts";
import { keptEvents } from "./settings.ts";

/** Queues of ids with a consumer. */
export type IdQueueName = "batches" | "delivery";

export interface IdQueueOptions {
  readonly name: IdQueueName;
  /** A producer's connection. */
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly telemetry?: Telemetry | undefined;
}

/**
 * Makes the producers' side of a queue of ids. Adding an id that waits or is being worked on does nothing;
 * one that has ended, is delayed, or was left by a dead worker is put in anew.
 */
export function createIdQueue(options: IdQueueOptions): IdQueue & { close(): Promise<void> } {
  const { redis, clock } = options;
  const name = sideQueue(options.name);
  const queue = openQueue({ redis, queue: name, telemetry: options.telemetry });
  const inspector = createQueueInspector(redis);
  return {
    async add(items) {
      if (items.length === 0) return;
      await redis.hset(queueKeys(name).meta, "opts.maxLenEvents", keptEvents);
      const states = await inspector.states(
        name,
        items.map((item) => item.id),
      );
      const stale = items.filter((_, index) => isStale(states[index]));
      await Promise.all(stale.map((item) => queue.remove(item.id, { removeChildren: false })));
      const now = clock.now();
      await queue.addBulk(
        items.map(({ id, notBeforeAt }) => ({
          name: pointerName,
          data: payloadV1,
          opts: {
            jobId: id,
            ...(notBeforeAt !== undefined && notBeforeAt > now ? { delay: notBeforeAt - now } : {}),
            ...(options.telemetry === undefined ? {} : { telemetry: { omitContext: true } }),
          },
        })),
      );
    },
    close: () => queue.close(),
  };
}

function isStale(state: PointerState | undefined): boolean {
  return state === "ended" || state === "delayed" || state === "unlocked" || state === "stray";
}

export interface IdConsumerOptions {
  readonly name: IdQueueName;
  /** A worker's connection, see `createConsumer`. */
  readonly redis: RedisClient;
  readonly concurrency: number;
  readonly handler: (id: string, context: { readonly signal: AbortSignal }) => Promise<Verdict>;
  readonly workerName: string;
  readonly clock: Clock;
  readonly onError: OnError;
  readonly telemetry?: Telemetry | undefined;
}

/** Consumes a queue of ids in order. BullMQ puts back what a dead worker left: here nothing is more urgent. */
export function createIdConsumer(options: IdConsumerOptions): Consumer {
  const { handler, name, ...rest } = options;
  return createConsumer({
    ...rest,
    queue: sideQueue(name),
    stallRecovery: "bullmq",
    handle: (job, context) => handler(job.id ?? "", context),
  });
}

import type { QueueName, RedisClient } from "@sluice/redis";
import { type ConnectionOptions, Queue, type Telemetry } from "bullmq";
import { keptEvents } from "./settings.ts";

export interface OpenQueue {
  /** A producer's connection; it is shared and stays open when the queue is closed. */
  readonly redis: RedisClient;
  readonly queue: QueueName;
  readonly telemetry?: Telemetry | undefined;
}

/**
 * Makes BullMQ's producer side of a queue. It never waits for Redis: a command fails when the connection
 * says so. BullMQ's version check would wait, and `checkRedis` has done it at start.
 */
export function openQueue({ redis, queue, telemetry }: OpenQueue): Queue {
  const opened = new Queue(queue.name, {
    connection: asConnection(redis),
    prefix: queue.prefix,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    // Written by hand per generation: BullMQ writes it once, and FLUSHALL would bring back its default.
    skipMetasUpdate: true,
    streams: { events: { maxLen: keptEvents } },
    ...(telemetry === undefined ? {} : { telemetry }),
  });
  // Connection errors are reported by the connection itself, command errors by the command.
  opened.on("error", () => undefined);
  return opened;
}

/** BullMQ's type of an ioredis instance. */
export function asConnection(redis: RedisClient): ConnectionOptions {
  return redis as unknown as ConnectionOptions;
}

import { laneQueue, type RedisClient, sideQueue } from "@sluice/redis";
import type { Queue } from "bullmq";
import { openQueue } from "./open-queue.ts";

/** BullMQ's queue objects for Bull Board, lanes first. */
export interface BoardQueues {
  readonly queues: readonly Queue[];
  close(): Promise<void>;
}

/**
 * Opens the lanes of these models and the side queues for the board, which is to be mounted read-only:
 * what its buttons change in Redis the ledger would not know.
 */
export function queuesForBoard(options: {
  /** A producer's connection. */
  readonly redis: RedisClient;
  readonly models: readonly string[];
}): BoardQueues {
  const sides = (["batches", "dead-letter", "delivery"] as const).map(sideQueue);
  const names = [...options.models.map(laneQueue), ...sides];
  const queues = names.map((queue) => openQueue({ redis: options.redis, queue }));
  return {
    queues,
    async close() {
      for (const queue of queues) await queue.close();
    },
  };
}

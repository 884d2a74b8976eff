import { laneQueue, type RedisClient, sideQueue } from "@sluice/redis";
import type { Queue } from "bullmq";
import { openQueue } from "./open-queue.ts";

/** BullMQ's queue objects for Bull Board, lanes first. */
export interface BoardQueues {
  readonly queues: readonly Queue[];
  close(): Promise<void>;
}

/**
 * Opens the lanes of these models and the side queues for the board. What its buttons change is undone by the ledger:
 * a pointer that is removed comes back, one that is tried again runs only what is live. Only pausing a lane stays.
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

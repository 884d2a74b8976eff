import type { DeadLetters } from "@sluice/domain";
import { queueKeys, type RedisClient, sideQueue } from "@sluice/redis";
import { openQueue } from "./open-queue.ts";
import { keptDeadLetters, keptEvents } from "./settings.ts";

/**
 * Makes the queue on which the board shows dead jobs. It has no consumer and keeps the newest
 * `keep`: the ledger is where dead letters are listed and redriven.
 */
export function createDeadLetters(options: {
  /** A producer's connection. */
  readonly redis: RedisClient;
  readonly keep?: number;
}): DeadLetters & { close(): Promise<void> } {
  const { redis, keep = keptDeadLetters } = options;
  const name = sideQueue("dead-letter");
  const keys = queueKeys(name);
  const queue = openQueue({ redis, queue: name });
  return {
    async add(entries) {
      if (entries.length === 0) return;
      await redis.hset(keys.meta, "opts.maxLenEvents", keptEvents);
      await queue.addBulk(
        entries.map(({ jobId, model, code }) => ({
          name: model,
          data: { v: 1, model, code },
          opts: { jobId },
        })),
      );
      const excess = (await redis.llen(keys.wait)) - keep;
      if (excess <= 0) return;
      // BullMQ pushes on the left, so the oldest are at the right end.
      const oldest = await redis.lrange(keys.wait, -excess, -1);
      await Promise.all(oldest.map((id) => queue.remove(id, { removeChildren: false })));
    },
    async remove(jobIds) {
      await Promise.all(jobIds.map((id) => queue.remove(id, { removeChildren: false })));
    },
    close: () => queue.close(),
  };
}

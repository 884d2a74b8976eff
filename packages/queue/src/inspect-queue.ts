import { readFileSync } from "node:fs";
import { loadScript, type QueueName, queueKeys, type RedisClient } from "@sluice/redis";

/**
 * Where a queue holds an id. `unlocked` counts as active, but its worker let the lock lapse; of a `stray` only
 * the hash is left, so that it is never claimed and cannot be added.
 */
export type PointerState = "none" | "waiting" | "delayed" | "locked" | "unlocked" | "ended" | "stray";

/** Reads BullMQ's own structures, each question in one atomic step. */
export interface QueueInspector {
  /** In the order of `ids`. */
  states(queue: QueueName, ids: readonly string[]): Promise<PointerState[]>;
  unlocked(queue: QueueName): Promise<string[]>;
}

export function createQueueInspector(redis: RedisClient): QueueInspector {
  const findStates = loadScript({
    redis,
    name: "find-states",
    lua: read("find-states.lua"),
    numberOfKeys: 4,
  });
  const findUnlocked = loadScript({
    redis,
    name: "find-unlocked",
    lua: read("find-unlocked.lua"),
    numberOfKeys: 1,
  });
  return {
    async states(queue, ids) {
      if (ids.length === 0) return [];
      const keys = queueKeys(queue);
      const answer = await findStates(
        [keys.active, keys.prioritized, keys.delayed, keys.wait],
        [keys.jobPrefix, ...ids],
      );
      return answer as PointerState[];
    },
    async unlocked(queue) {
      const keys = queueKeys(queue);
      return (await findUnlocked([keys.active], [keys.jobPrefix])) as string[];
    },
  };
}

function read(file: string): string {
  return readFileSync(new URL(`./${file}`, import.meta.url), "utf8");
}

import type { RedisClient } from "./connect-redis.ts";
import { generationKey } from "./keys.ts";

/** Names one life of the data in Redis. */
export interface RedisGeneration {
  readonly id: string;
  /** Midnight (UTC) before it began, in ms since 1970: the lanes count priorities from here. */
  readonly epochAt: number;
}

const dayMs = 86_400_000;

/**
 * Reads the generation, and begins one named `newId` when there is none. The first caller wins.
 * Another id than before means that everything that was in Redis is lost and has to be rebuilt.
 */
export async function redisGeneration(
  redis: RedisClient,
  begin: { readonly newId: string; readonly now: number },
): Promise<RedisGeneration> {
  const epochAt = begin.now - (begin.now % dayMs);
  const answers = await redis
    .multi()
    .hsetnx(generationKey, "id", begin.newId)
    .hsetnx(generationKey, "epoch_at", epochAt)
    .hmget(generationKey, "id", "epoch_at")
    .exec();
  const [error, fields] = answers?.[2] ?? [];
  if (error) throw error;
  const [id, epoch] = (fields ?? []) as (string | null)[];
  if (!id || !epoch) throw new Error("Redis did not keep its generation");
  return { id, epochAt: Number(epoch) };
}

import type { Clock } from "@sluice/domain";
import { type QueueName, queueKeys, type RedisClient } from "@sluice/redis";
import { within } from "./within.ts";

const answerMs = 15_000;

/**
 * Whether a worker that asked now would get something. `false` while Redis is away.
 * A connection that looks open and does not answer is opened again: a half-open TCP connection would
 * otherwise hold up every command for a quarter of an hour.
 */
export async function hasWork(redis: RedisClient, queue: QueueName, clock: Clock): Promise<boolean> {
  if (redis.status !== "ready") return false;
  const answer = ask(redis, queue, clock.now());
  if (await within(clock, answerMs, answer)) return answer;
  redis.disconnect(true);
  return true;
}

async function ask(redis: RedisClient, queue: QueueName, now: number): Promise<boolean> {
  const keys = queueKeys(queue);
  const [waiting, prioritized, due, [paused, limit]] = await Promise.all([
    redis.llen(keys.wait),
    redis.zcard(keys.prioritized),
    // BullMQ scores the delayed set by ms · 4096.
    redis.zcount(keys.delayed, 0, now * 4096),
    redis.hmget(keys.meta, "paused", "concurrency"),
  ]);
  // Someone paused the queue or bounded it on purpose.
  if (paused || limit) return false;
  return waiting + prioritized + due > 0;
}

import type { Logger } from "@sluice/domain";
import { checkRedis, type RedisClient } from "@sluice/redis";

/** Says at the start what is wrong with this Redis: one that evicts keys loses pointers silently. Never throws. */
export async function reportRedis(redis: RedisClient, logger: Logger): Promise<void> {
  try {
    const { problems } = await checkRedis(redis);
    for (const { level, message } of problems) {
      if (level === "error") logger.error({}, message);
      else logger.warn({}, message);
    }
  } catch (error) {
    logger.warn({ err: error }, "Redis could not be asked for its settings");
  }
}

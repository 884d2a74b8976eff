// Redis connections, the key names, Lua loading; the only importer of ioredis.
export type { RedisCheck, RedisProblem } from "./check-redis.ts";
export { checkRedis, judgeRedis } from "./check-redis.ts";
export type { ConnectRedis, RedisClient, RedisRole } from "./connect-redis.ts";
export { closeRedis, connectRedis } from "./connect-redis.ts";
export type { RedisGeneration } from "./generation.ts";
export { redisGeneration } from "./generation.ts";
export type { QueueName, SideQueue } from "./keys.ts";
export {
  capacityKey,
  forecastKeys,
  generationKey,
  laneQueue,
  modelOfLane,
  queueKeys,
  sideQueue,
} from "./keys.ts";
export type { OnError } from "./limit-errors.ts";
export { limitErrors } from "./limit-errors.ts";
export type { LoadScript, RedisScript } from "./load-script.ts";
export { loadScript } from "./load-script.ts";
export type { RedisNode, RedisPlace } from "./parse-redis-url.ts";
export { parseRedisUrl } from "./parse-redis-url.ts";

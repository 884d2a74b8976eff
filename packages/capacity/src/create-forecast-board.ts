import type { ForecastBoard, ForecastReport, ForecastSnapshot } from "@sluice/domain";
import { forecastKeys, type RedisClient } from "@sluice/redis";

/** Older reports are dropped: they are many only while nobody leads. */
const mostReports = 2_000;
const keptSeconds = 3_600;

/** The board in Redis; it holds ids of tenants, sets and targets, nothing of requests. */
export function createForecastBoard(redis: RedisClient): ForecastBoard {
  const { snapshot: snapshotKey, reports: reportsKey } = forecastKeys;
  return {
    async publish(snapshot) {
      await redis.set(snapshotKey, JSON.stringify(snapshot), "EX", keptSeconds);
    },
    async read() {
      const text = await redis.get(snapshotKey);
      if (text === null) return undefined;
      const snapshot = JSON.parse(text) as ForecastSnapshot;
      return snapshot.version === 1 ? snapshot : undefined;
    },
    async report(report) {
      await redis
        .multi()
        .rpush(reportsKey, JSON.stringify(report))
        .ltrim(reportsKey, -mostReports, -1)
        .expire(reportsKey, keptSeconds)
        .exec();
    },
    async takeReports() {
      const texts = await redis.lpop(reportsKey, mostReports);
      return (texts ?? []).map((text) => JSON.parse(text) as ForecastReport);
    },
  };
}

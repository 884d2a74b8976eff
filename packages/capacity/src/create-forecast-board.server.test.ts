import type { ForecastReport, ForecastSnapshot } from "@sluice/domain";
import { forecastKeys } from "@sluice/redis";
import { expect, test } from "vitest";
import { createForecastBoard } from "./create-forecast-board.ts";
import { connectTestRedis } from "./testing/setup.ts";

const snapshot: ForecastSnapshot = {
  version: 1,
  takenAt: 1_000,
  watchedMs: 5_000,
  targets: { small: { tokensPerSecond: 12.5, latencyMs: 800 } },
  sets: [],
  corrections: { "2/5": { p50: 1.1, p95: 2 } },
  records: { auto: { finished: 3, byP50: 1, byP95: 3 } },
  jobs: 7,
  jobsPerSecond: 0.5,
  tenants: {},
};

const report = (jobs: number): ForecastReport => ({
  served: [{ targetId: "small", jobs, tokens: 100 * jobs }],
  arrivals: [],
  finished: [],
});

async function setup() {
  const redis = connectTestRedis();
  await redis.flushall();
  return { redis, board: createForecastBoard(redis) };
}

test("every process reads the snapshot that was published last", async () => {
  const { board, redis } = await setup();
  expect(await board.read()).toBeUndefined();
  await board.publish(snapshot);
  await board.publish({ ...snapshot, takenAt: 2_000 });
  expect(await createForecastBoard(redis).read()).toEqual({ ...snapshot, takenAt: 2_000 });
});

test("a snapshot of a version that is not known is not read", async () => {
  const { board, redis } = await setup();
  await redis.set(forecastKeys.snapshot, JSON.stringify({ ...snapshot, version: 2 }));
  expect(await board.read()).toBeUndefined();
});

test("each report is taken once, in the order in which they came", async () => {
  const { board } = await setup();
  await board.report(report(1));
  await board.report(report(2));
  expect(await board.takeReports()).toEqual([report(1), report(2)]);
  expect(await board.takeReports()).toEqual([]);
});

test("while nobody leads, only the newest reports are kept", async () => {
  const { board } = await setup();
  for (let batch = 0; batch < 21; batch += 1)
    await Promise.all(Array.from({ length: 100 }, (_, n) => board.report(report(batch * 100 + n))));
  const taken = await board.takeReports();
  expect(taken).toHaveLength(2_000);
  expect([taken[0], taken.at(-1)]).toEqual([report(100), report(2_099)]);
});

test("what nobody renews vanishes by itself, and losing it harms nobody", async () => {
  const { board, redis } = await setup();
  await board.publish(snapshot);
  await board.report(report(1));
  for (const key of Object.values(forecastKeys)) {
    expect(await redis.ttl(key)).toBeGreaterThan(0);
    expect(await redis.ttl(key)).toBeLessThanOrEqual(3_600);
  }
  await redis.flushall();
  expect(await board.read()).toBeUndefined();
  expect(await board.takeReports()).toEqual([]);
});

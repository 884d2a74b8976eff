import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { testRedisUrl } from "./servers.ts";

test("empties Redis of what an earlier file left behind, in every database", async () => {
  const redis = new Redis(testRedisUrl());
  const other = new Redis(testRedisUrl(), { db: 3 });
  const keys = [await redis.dbsize(), await other.dbsize()];
  await Promise.all([redis.set("left-behind", "by empty-redis"), other.set("left-behind", "by empty-redis")]);
  await Promise.all([redis.quit(), other.quit()]);
  expect(keys).toEqual([0, 0]);
});

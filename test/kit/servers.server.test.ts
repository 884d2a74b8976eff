import { Redis } from "ioredis";
import postgres from "postgres";
import { expect, test } from "vitest";
import { testPostgresUrl, testRedisUrl } from "./servers.ts";

test("gives an empty database of its own to each caller", async () => {
  const first = postgres(await testPostgresUrl());
  const second = postgres(await testPostgresUrl());
  await first`CREATE TABLE only_here (id int)`;
  const tables = await second`SELECT 1 FROM pg_tables WHERE tablename = 'only_here'`;
  const [version] = await second`SHOW server_version_num`;
  await Promise.all([first.end(), second.end()]);
  expect(tables).toHaveLength(0);
  expect(Number(version?.["server_version_num"])).toBeGreaterThanOrEqual(180_000);
});

test("gives an emptied Redis that never evicts", async () => {
  const redis = new Redis(testRedisUrl());
  const keys = await redis.dbsize();
  const [, policy] = (await redis.config("GET", "maxmemory-policy")) as [string, string];
  // Left behind for empty-redis.server.test.ts, whichever of the two files runs first.
  await redis.set("left-behind", "by servers");
  await redis.quit();
  expect({ keys, policy }).toEqual({ keys: 0, policy: "noeviction" });
});

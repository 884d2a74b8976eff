import { expect, test } from "vitest";
import { judgeRedis } from "./check-redis.ts";

const good = "redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";

test("finds nothing wrong with a durable Redis that never evicts", () => {
  expect(judgeRedis(good)).toEqual({ ok: true, problems: [] });
});

test("an evicting Redis is an error that says what to set", () => {
  const check = judgeRedis(good.replace("noeviction", "allkeys-lru"));
  expect(check.ok).toBe(false);
  expect(check.problems[0]?.message).toMatch(/allkeys-lru.*CONFIG SET maxmemory-policy noeviction/);
});

test.each(["5.0.14", "6.0.9", "6.1.0"])("version %s is too old", (version) => {
  expect(judgeRedis(good.replace("7.2.4", version)).ok).toBe(false);
});

test("version 6.2 will do", () => {
  expect(judgeRedis(good.replace("7.2.4", "6.2.0")).ok).toBe(true);
});

test("without an append-only file it only warns: the lanes can be rebuilt", () => {
  const check = judgeRedis(good.replace("aof_enabled:1", "aof_enabled:0"));
  expect(check.ok).toBe(true);
  expect(check.problems).toMatchObject([{ level: "warning" }]);
});

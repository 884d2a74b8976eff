import { afterEach, expect, test } from "vitest";
import { type OwnRedis, startOwnRedis } from "../../../test/kit/own-redis.ts";
import { testRedisUrl } from "../../../test/kit/servers.ts";
import {
  checkRedis,
  closeRedis,
  connectRedis,
  loadScript,
  type RedisClient,
  type RedisRole,
  redisGeneration,
} from "./index.ts";

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function open(role: RedisRole, url = testRedisUrl()): RedisClient {
  const redis = connectRedis({ url, role, name: "test", onError: () => undefined });
  cleanUps.push(() => closeRedis(redis));
  return redis;
}

async function ownRedis(): Promise<OwnRedis> {
  const server = await startOwnRedis();
  cleanUps.push(() => server.close());
  return server;
}

test("a script is sent again after SCRIPT FLUSH", async () => {
  const redis = open("commands");
  const script = loadScript({ redis, name: "echo", lua: "return {KEYS[1], ARGV[1]}", numberOfKeys: 1 });
  expect(await script(["k"], ["a"])).toEqual(["k", "a"]);
  await redis.script("FLUSH");
  expect(await script(["k"], [2])).toEqual(["k", "2"]);
});

test("of many that begin a generation, one wins and all read the same", async () => {
  const redis = open("commands");
  await redis.flushall();
  const now = Date.UTC(2026, 4, 5, 13, 30);
  const begun = await Promise.all(["a", "b", "c"].map((newId) => redisGeneration(redis, { newId, now })));
  expect(begun.every((generation) => generation.id === "a")).toBe(true);
  expect(begun[0]?.epochAt).toBe(Date.UTC(2026, 4, 5));
});

test("FLUSHALL begins another generation", async () => {
  const redis = open("commands");
  await redis.flushall();
  expect(await redisGeneration(redis, { newId: "before", now: 1 })).toEqual({ id: "before", epochAt: 0 });
  await redis.flushall();
  expect(await redisGeneration(redis, { newId: "after", now: 1 })).toEqual({ id: "after", epochAt: 0 });
});

test("reads a real server's settings", async () => {
  const redis = open("commands");
  expect(await checkRedis(redis)).toMatchObject({ ok: true });
  await redis.config("SET", "maxmemory-policy", "allkeys-lru");
  const check = await checkRedis(redis);
  await redis.config("SET", "maxmemory-policy", "noeviction");
  expect(check.ok).toBe(false);
});

test("a producer whose Redis is gone is refused, and served again when it is back", async () => {
  const server = await ownRedis();
  const redis = open("producer", server.url);
  await redis.set("k", "1");
  const closed = new Promise((resolve) => redis.once("close", resolve));
  await server.kill9();
  await closed;
  await expect(redis.get("k")).rejects.toThrow();
  const ready = new Promise((resolve) => redis.once("ready", resolve));
  await server.restart();
  await ready;
  expect(await redis.set("k", "2")).toBe("OK");
});

test("a producer whose Redis is frozen gets an error instead of waiting for ever", async () => {
  const server = await ownRedis();
  const redis = open("producer", server.url);
  await redis.set("k", "1");
  server.freeze();
  await expect(redis.get("k")).rejects.toThrow(/timed out/);
  server.thaw();
});

test("a worker's command waits for a Redis that comes back", async () => {
  const server = await ownRedis();
  const redis = open("worker", server.url);
  await redis.set("k", "1");
  const closed = new Promise((resolve) => redis.once("close", resolve));
  await server.kill9();
  await closed;
  const answer = redis.set("k", "2");
  await server.restart();
  expect(await answer).toBe("OK");
});

test("a connection to a Redis that starts later works once it is there", async () => {
  const server = await ownRedis();
  await server.kill9();
  const redis = open("worker", server.url);
  const answer = redis.ping();
  await server.restart();
  expect(await answer).toBe("PONG");
});

test("a server that became a replica is left for its new primary", async () => {
  const server = await ownRedis();
  const redis = open("worker", server.url);
  const admin = open("commands", server.url);
  await redis.set("k", "1");
  await admin.replicaof("127.0.0.1", 1);
  const dropped = new Promise((resolve) => redis.once("close", resolve));
  const answer = redis.set("k", "2");
  await dropped;
  await admin.replicaof("NO", "ONE");
  expect(await answer).toBe("OK");
});

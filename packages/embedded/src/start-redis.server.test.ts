import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { redisCommand } from "./redis-command.ts";
import type { RunningRedis } from "./running-server.ts";
import { startRedis } from "./start-redis.ts";

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

function dataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sluice-test-"));
  cleanUp.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function start(dataDir?: string): Promise<RunningRedis> {
  const redis = await startRedis({ preferContainer: false, ...(dataDir === undefined ? {} : { dataDir }) });
  cleanUp.push(() => redis.close());
  return redis;
}

function command(redis: RunningRedis, ...words: string[]): Promise<string> {
  const { port, password } = new URL(redis.url);
  return redisCommand({ port: Number(port), password }, words);
}

test("answers only with its password, never evicts and writes an append-only file", async () => {
  const redis = await start();
  expect(await command(redis, "PING")).toBe("+PONG");
  expect(await command(redis, "INFO", "memory")).toContain("maxmemory_policy:noeviction");
  expect(await command(redis, "INFO", "persistence")).toContain("aof_enabled:1");
  await expect(
    redisCommand({ port: Number(new URL(redis.url).port), password: "wrong" }, ["PING"]),
  ).rejects.toThrow("WRONGPASS");
});

test("keeps its data over a clean stop and over kill -9, at the same URL", async () => {
  const redis = await start(dataDirectory());
  const { url, pid } = redis;
  await command(redis, "SET", "kept", "value");
  await redis.restart();
  await redis.configSet("appendfsync", "always");
  await command(redis, "SET", "also", "value");
  await redis.kill9();
  expect(redis.pid).toBeUndefined();
  await redis.restart();
  expect(redis.url).toBe(url);
  expect(redis.pid).not.toBe(pid);
  expect(await command(redis, "EXISTS", "kept", "also")).toBe(":2");
});

test("tells how it ended", async () => {
  const redis = await start();
  const exited = redis.exited;
  await redis.kill9();
  expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("a second start on the same data stops the server that is still there", async () => {
  const dataDir = dataDirectory();
  const first = await start(dataDir);
  await command(first, "SET", "kept", "value");
  const firstExit = first.exited;
  const second = await start(dataDir);
  expect(await firstExit).toEqual({ code: 0, signal: null });
  expect(await command(second, "EXISTS", "kept")).toBe(":1");
});

test("hides its password from other users", async () => {
  const dataDir = dataDirectory();
  await start(dataDir);
  for (const file of ["password", "redis.conf"])
    expect(statSync(join(dataDir, "redis", file)).mode & 0o077).toBe(0);
});

test("a refused CONFIG SET is an error", async () => {
  const redis = await start();
  await expect(redis.configSet("no-such-setting", "1")).rejects.toThrow();
});

test("a server given by URL is used and never stopped", async () => {
  const external = await startRedis({ redisUrl: "redis://elsewhere:6379" });
  expect(external.kind).toBe("external");
  await expect(external.stop()).rejects.toThrow("given by URL");
  await external.close();
});

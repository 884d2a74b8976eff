import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "@sluice/embedded";
import type { Bite, Fault, Scene } from "../fault.ts";
import { answerToWrite, freeze, withRedis } from "../kit/break.ts";

/** What happens to Redis must not cost a paid call: attempts are owned in the ledger. */
const none = (): number => 0;

/** Faults of Redis. */
export const redisFaults: readonly Fault[] = [
  {
    number: 1,
    name: "Redis away for 30 s",
    duplicateCalls: none,
    inject: async ({ cluster }) => {
      const { redisWire } = cluster;
      const { target } = redisWire;
      redisWire.target = undefined;
      const cut = redisWire.resetAll();
      await delay(30_000);
      redisWire.target = target;
      return { bit: cut > 0, how: `${cut} connections cut, new ones refused` };
    },
  },
  {
    number: 2,
    name: "Redis frozen for 40 s, longer than any lock in it",
    duplicateCalls: none,
    inject: async ({ cluster }) => {
      const frozen = freeze(cluster, "redis", 40_000);
      const isSilent = await Promise.race([
        withRedis(cluster, (redis) => redis.ping()).then(() => false),
        delay(10_000).then(() => true),
      ]);
      await frozen;
      return { bit: isSilent, how: isSilent ? "a PING had no answer in 10 s" : "it answered a PING" };
    },
  },
  {
    number: 10,
    name: "Redis out of memory for 15 s",
    duplicateCalls: none,
    inject: ({ cluster }) =>
      withRedis(cluster, async (redis) => {
        await redis.config("SET", "maxmemory", "1mb");
        const answer = await answerToWrite(redis);
        await delay(15_000);
        await redis.config("SET", "maxmemory", "0");
        return refusal(answer, "OOM");
      }),
  },
  {
    number: 12,
    name: "Redis read-only for 10 s, as after a failover",
    duplicateCalls: none,
    inject: ({ cluster }) =>
      withRedis(cluster, async (redis) => {
        await redis.replicaof("127.0.0.1", await freePort());
        const answer = await answerToWrite(redis);
        await delay(10_000);
        await redis.replicaof("NO", "ONE");
        return refusal(answer, "READONLY");
      }),
  },
  {
    number: 14,
    name: "FLUSHALL",
    duplicateCalls: none,
    inject: ({ cluster }) =>
      withRedis(cluster, async (redis) => {
        const keys = await redis.dbsize();
        await redis.flushall();
        return { bit: keys > 0, how: `${keys} keys gone` };
      }),
  },
  {
    number: 15,
    name: "Redis killed, and the end of its append-only file cut off",
    duplicateCalls: none,
    inject: cutAppendOnlyFile,
  },
  {
    number: 17,
    name: "every connection to Redis killed each second for 20 s",
    duplicateCalls: none,
    inject: ({ cluster }) =>
      withRedis(cluster, async (redis) => {
        let killed = 0;
        for (let round = 0; round < 20; round += 1) {
          killed += Number(await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
          await delay(1_000);
        }
        return { bit: killed > 20, how: `${killed} connections killed` };
      }),
  },
  {
    number: 19,
    name: "writes to Redis paused for 10 s",
    duplicateCalls: none,
    inject: ({ cluster }) =>
      withRedis(cluster, async (redis) => {
        await redis.call("CLIENT", "PAUSE", "10000", "WRITE");
        await delay(5_000);
        const held = Number(/blocked_clients:(\d+)/.exec(await redis.info("clients"))?.[1] ?? 0);
        await delay(5_000);
        return { bit: held > 0, how: `${held} clients held` };
      }),
  },
  {
    number: 20,
    name: "SCRIPT FLUSH, ten times",
    duplicateCalls: none,
    inject: ({ cluster }) =>
      withRedis(cluster, async (redis) => {
        let forgotten = 0;
        for (let round = 0; round < 10; round += 1) {
          const scripts = /number_of_cached_scripts:(\d+)/.exec(await redis.info("memory"))?.[1];
          forgotten += Number(scripts ?? 0);
          await redis.script("FLUSH");
          await delay(500);
        }
        return { bit: forgotten > 10, how: `${forgotten} scripts forgotten` };
      }),
  },
];

function refusal(answer: string, wanted: string): Bite {
  return { bit: answer === wanted, how: `a write was answered ${answer}` };
}

/** More than one command, less than a rewrite. */
const cutBytes = 200;

async function cutAppendOnlyFile({ cluster }: Scene): Promise<Bite> {
  const { supervised, dataDir } = cluster;
  const ready = supervised.waitFor((event) => event.type === "ready" && event.name === "redis");
  await supervised.kill("redis", "SIGKILL");
  const [file] = appendOnlyFiles(dataDir);
  const before = file === undefined ? 0 : statSync(file).size;
  if (file !== undefined && before > cutBytes) truncateSync(file, before - cutBytes);
  await ready;
  return { bit: before > cutBytes, how: `${cutBytes} of ${before} bytes cut off` };
}

function appendOnlyFiles(dataDir: string): string[] {
  const names = readdirSync(dataDir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".incr.aof")).map((name) => join(dataDir, name));
}

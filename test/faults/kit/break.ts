import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { until } from "../../e2e/kit/until.ts";
import type { Failpoint } from "../failpoints/failpoints.ts";
import type { Bite, Scene } from "../fault.ts";
import type { FaultCluster } from "./fault-cluster.ts";

/** Speaks to the real Redis, past the proxy. */
export async function withRedis<T>(
  { supervised }: FaultCluster,
  use: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis(supervised.redisUrl);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** What Redis answers a write: `OK`, or the first word of its refusal. */
export async function answerToWrite(redis: Redis): Promise<string> {
  try {
    return await redis.set("faults:probe", "x", "EX", 1);
  } catch (error) {
    return String((error as Error).message).split(" ")[0] ?? "";
  }
}

/** SIGSTOP, and SIGCONT after `forMs`. */
export async function freeze({ supervised }: FaultCluster, name: string, forMs: number): Promise<void> {
  await supervised.kill(name, "SIGSTOP");
  await delay(forMs);
  await supervised.kill(name, "SIGCONT");
}

/** Sends a signal that ends a process, and answers when the supervisor has it ready again. */
export async function end({ supervised }: FaultCluster, name: string, signal: NodeJS.Signals): Promise<void> {
  const ready = supervised.waitFor((event) => event.type === "ready" && event.name === name);
  await supervised.kill(name, signal);
  await ready;
}

/** Arms a failpoint and answers when a process has died at it and is back. */
export async function dieAt({ cluster }: Scene, name: Failpoint): Promise<Bite> {
  const { events } = cluster.supervised;
  const before = new Set(events);
  cluster.arm(name);
  await until(`a process dies at ${name}`, async () => (cluster.hasFired(name) ? true : undefined));
  const died = await until("the supervisor says who died", async () =>
    events.find((event) => !before.has(event) && event.type === "exited"),
  );
  const who = "name" in died ? died.name : "";
  await until("it is back", async () =>
    events.find((event) => !before.has(event) && event.type === "ready" && event.name === who),
  );
  return { bit: true, how: `${who} died there` };
}

/** How many attempts ended so. */
export async function attemptsThat({ ledger }: Scene, outcome: string): Promise<number> {
  return (await ledger.attempts()).filter((attempt) => attempt.outcome === outcome).length;
}

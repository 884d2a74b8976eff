import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { capacityKey, laneQueue, queueKeys } from "@sluice/redis";
import { Redis } from "ioredis";
import type { FaultCluster } from "./fault-cluster.ts";
import type { LedgerReader } from "./read-ledger.ts";

/** What a cluster at rest should not have any more, each in words. */
export async function leftBehind(cluster: FaultCluster, ledger: LedgerReader): Promise<string[]> {
  const redis = new Redis(cluster.redisUrl, { maxRetriesPerRequest: 1 });
  try {
    return [
      ...(await inCapacity(redis)),
      ...(await inLane(redis)),
      ...(await ledger.heldLocks()),
      ...(await temporaryFiles(cluster)),
    ];
  } finally {
    redis.disconnect();
  }
}

async function inCapacity(redis: Redis): Promise<string[]> {
  const found: string[] = [];
  for (const key of await redis.keys(capacityKey("held", "*"))) {
    const count = await redis.hlen(key);
    if (count > 0) found.push(`${count} reservations: ${key}`);
  }
  for (const kind of ["target-use", "tenant-use"]) {
    for (const key of await redis.keys(capacityKey(kind, "*"))) {
      if ((await redis.type(key)) !== "hash") continue;
      const inFlight = Number((await redis.hget(key, "c")) ?? 0);
      if (inFlight !== 0) found.push(`${inFlight} places: ${key}`);
    }
  }
  const waiters = await redis.hlen(capacityKey("parked"));
  return waiters === 0 ? found : [...found, `${waiters} waiters`];
}

async function inLane(redis: Redis): Promise<string[]> {
  const keys = queueKeys(laneQueue("auto"));
  const counts = {
    wait: await redis.llen(keys.wait),
    active: await redis.llen(keys.active),
    prioritized: await redis.zcard(keys.prioritized),
    delayed: await redis.zcard(keys.delayed),
    locks: (await redis.keys(`${keys.jobPrefix.replaceAll(/[[\]?*\\]/g, "\\$&")}*:lock`)).length,
  };
  return Object.entries(counts).flatMap(([name, count]) =>
    count === 0 ? [] : [`${count} of the lane's ${name}`],
  );
}

async function temporaryFiles({ dataDir, temporaryDir }: FaultCluster): Promise<string[]> {
  const folders = [temporaryDir, join(dataDir, "files", "uploads")];
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  return names.flat().map((name) => `a temporary file: ${name}`);
}

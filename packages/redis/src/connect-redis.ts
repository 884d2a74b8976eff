import { Cluster, Redis, type RedisOptions } from "ioredis";
import { limitErrors, type OnError } from "./limit-errors.ts";
import { parseRedisUrl, type RedisPlace } from "./parse-redis-url.ts";

/** A connection to one Redis (also behind Sentinel) or to a Redis Cluster. */
export type RedisClient = Redis | Cluster;

/**
 * What a connection is for.
 * `producer` puts into queues and `commands` runs scripts: both fail within seconds, so that a caller can
 * answer 503 or try again. `worker` consumes queues: its commands wait for Redis for as long as it takes,
 * because BullMQ's blocking reads have no other way to live through an outage.
 */
export type RedisRole = "producer" | "worker" | "commands";

export interface ConnectRedis {
  /** As in `REDIS_URL`, see {@link parseRedisUrl}. */
  readonly url: string;
  readonly role: RedisRole;
  /** Shown by `CLIENT LIST`. */
  readonly name: string;
  /** Gets connection errors, at most one of a kind per 10 s. */
  readonly onError: OnError;
}

const longestRetryMs = 2_000;

/**
 * Opens a connection that reconnects for ever. Returns at once; commands given before the first
 * connection wait for it. Throws a `TypeError` on a URL that cannot be read.
 */
export function connectRedis(options: ConnectRedis): RedisClient {
  const place = parseRedisUrl(options.url);
  const client = place.kind === "cluster" ? openCluster(place, options) : openOne(place, options);
  client.on("error", limitErrors(options.onError));
  if (options.role !== "worker") failFastOnceConnected(client);
  return client;
}

/** Closes politely, or cuts the line when Redis does not answer within `timeoutMs`. */
export async function closeRedis(redis: RedisClient, timeoutMs = 2_000): Promise<void> {
  if (redis.status === "end") return;
  const timer = setTimeout(() => redis.disconnect(), timeoutMs);
  try {
    await redis.quit();
  } catch {
    // Already closed, or cut by the timer: closed is what was asked for.
    redis.disconnect();
  } finally {
    clearTimeout(timer);
  }
}

function openOne(place: Exclude<RedisPlace, { kind: "cluster" }>, options: ConnectRedis): Redis {
  const shared = { ...common(place, options), db: place.database };
  if (place.kind === "single") return new Redis({ ...shared, host: place.node.host, port: place.node.port });
  return new Redis({
    ...shared,
    sentinels: place.sentinels.map((sentinel) => ({ ...sentinel })),
    name: place.master,
    enableTLSForSentinelMode: place.tls,
    ...(place.tls ? { sentinelTLS: {} } : {}),
    sentinelRetryStrategy: retryDelayMs,
  });
}

function openCluster(place: Extract<RedisPlace, { kind: "cluster" }>, options: ConnectRedis): Cluster {
  const { retryStrategy: _, ...redisOptions } = common(place, options);
  return new Cluster(
    place.nodes.map((node) => ({ ...node })),
    {
      redisOptions,
      clusterRetryStrategy: retryDelayMs,
      // With TLS the certificates carry names, and CLUSTER SLOTS may answer names that only the nodes know.
      ...(place.tls
        ? { dnsLookup: (address: string, done: (error: null, ip: string) => void) => done(null, address) }
        : {}),
    },
  );
}

function common(place: RedisPlace, options: ConnectRedis): RedisOptions {
  return {
    ...(place.username === undefined ? {} : { username: place.username }),
    ...(place.password === undefined ? {} : { password: place.password }),
    ...(place.tls ? { tls: {} } : {}),
    connectionName: options.name,
    connectTimeout: 5_000,
    keepAlive: 10_000,
    retryStrategy: retryDelayMs,
    // After a failover the old primary answers READONLY: reconnect and send the refused command again.
    reconnectOnError: (error) => (error.message.includes("READONLY") ? 2 : false),
    ...roleOptions(options.role),
  };
}

function roleOptions(role: RedisRole): RedisOptions {
  // No commandTimeout for workers: it would cut their blocking reads.
  if (role === "worker") return { maxRetriesPerRequest: null };
  return {
    maxRetriesPerRequest: 1,
    commandTimeout: role === "producer" ? 3_000 : 5_000,
    // A command whose answer was lost may have been carried out. Only the caller knows if it may run twice.
    autoResendUnfulfilledCommands: false,
    // What one turn of the event loop asks goes out in one write. Queues have pipelines and transactions of their own.
    enableAutoPipelining: role === "commands",
  };
}

/** 100, 200, 400 … 2000 ms: soon back after a restart, and no storm during an outage. */
function retryDelayMs(attempt: number): number {
  return Math.min(longestRetryMs, 100 * 2 ** Math.min(attempt - 1, 10));
}

/**
 * The offline queue is there until the first connection, so that a process may start before Redis does;
 * later it would only hold up callers who had better be told at once.
 */
function failFastOnceConnected(client: RedisClient): void {
  client.once("ready", () => {
    client.options.enableOfflineQueue = false;
  });
}

import type { RedisClient } from "./connect-redis.ts";

export interface RedisProblem {
  /** An `error` can lose work or break queues; a `warning` costs time after a restart. */
  readonly level: "error" | "warning";
  /** What is wrong and what to do about it. */
  readonly message: string;
}

export interface RedisCheck {
  /** No problem is an error. */
  readonly ok: boolean;
  readonly problems: readonly RedisProblem[];
}

/** Reads whether this Redis is set up as Sluice needs it. Throws when it cannot be asked. */
export async function checkRedis(redis: RedisClient): Promise<RedisCheck> {
  return judgeRedis(await redis.info());
}

/** The judgement over the text of `INFO`. */
export function judgeRedis(info: string): RedisCheck {
  const fields = new Map(info.split(/\r?\n/).map((line) => splitOnce(line)));
  const problems = [policy(fields), version(fields), appendOnly(fields)].filter(
    (found) => found !== undefined,
  );
  return { ok: problems.every((problem) => problem.level !== "error"), problems };
}

type Fields = ReadonlyMap<string, string>;

function policy(fields: Fields): RedisProblem | undefined {
  const found = fields.get("maxmemory_policy");
  if (found === undefined || found === "noeviction") return undefined;
  return {
    level: "error",
    message: `Redis may evict queue data (maxmemory-policy is ${found}); set it to noeviction: CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.`,
  };
}

function version(fields: Fields): RedisProblem | undefined {
  const found = fields.get("redis_version") ?? fields.get("valkey_version");
  const [major = 0, minor = 0] = (found ?? "").split(".").map(Number);
  if (found === undefined || major > 6 || (major === 6 && minor >= 2)) return undefined;
  return {
    level: "error",
    message: `Redis is version ${found}; Sluice needs 6.2 or newer (7.2 or Valkey is recommended).`,
  };
}

function appendOnly(fields: Fields): RedisProblem | undefined {
  if (fields.get("aof_enabled") !== "0") return undefined;
  return {
    level: "warning",
    message:
      "Redis keeps no append-only file, so after a restart the lanes are rebuilt from PostgreSQL (no job is lost, it takes seconds to minutes); set appendonly yes.",
  };
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(":");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
}

import type { RedisClient } from "./connect-redis.ts";

/** One Lua script, run by its digest. */
export type RedisScript = (
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
) => Promise<unknown>;

export interface LoadScript {
  readonly redis: RedisClient;
  /** Unique within the connection. */
  readonly name: string;
  readonly lua: string;
  readonly numberOfKeys: number;
}

/**
 * Makes a function of a Lua script. Redis keeps scripts only until it restarts or is told SCRIPT FLUSH;
 * when it answers NOSCRIPT the source is sent again.
 */
export function loadScript({ redis, name, lua, numberOfKeys }: LoadScript): RedisScript {
  const command = `sluice:${name}`;
  redis.defineCommand(command, { lua, numberOfKeys });
  const run = (redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[command];
  if (run === undefined) throw new Error(`the script ${name} could not be defined`);
  return (keys, args) => {
    if (keys.length !== numberOfKeys) throw new TypeError(`the script ${name} takes ${numberOfKeys} keys`);
    return run.call(redis, ...keys, ...args);
  };
}

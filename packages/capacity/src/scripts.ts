import { readFileSync } from "node:fs";
import { loadScript, type RedisClient, type RedisScript } from "@sluice/redis";

const numberOfKeys = {
  reserve: 11,
  park: 2,
  leave: 1,
  settle: 2,
  release: 2,
  renew: 2,
  learn: 3,
  pause: 1,
  observe: 4,
  operate: 1,
  signals: 4,
  "claim-rebuild": 3,
  warm: 4,
};

/** What stands before every script: helpers that Lua could not share otherwise. */
const preambles = [
  ...["common", "budgets", "leases", "breaker", "learned-concurrency"],
  ...["margin", "histogram", "fair-order", "pace", "waiters"],
];

type ScriptName = keyof typeof numberOfKeys;

function source(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
}

/** Every atomic step of the capacity state, by the name of its file in `lua/`. */
export function loadScripts(redis: RedisClient): Record<ScriptName, RedisScript> {
  const common = preambles.map(source).join("\n");
  const names = Object.keys(numberOfKeys) as ScriptName[];
  const load = (name: ScriptName): RedisScript =>
    loadScript({
      redis,
      name: `capacity.${name}`,
      lua: `${common}\n${source(name)}`,
      numberOfKeys: numberOfKeys[name],
    });
  return Object.fromEntries(names.map((name) => [name, load(name)])) as Record<ScriptName, RedisScript>;
}

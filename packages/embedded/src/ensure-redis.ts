// Run by the bootstrap before the checks: brings a Redis binary when this machine has none and apt can install it.
import { chooseRedis } from "./choose-redis.ts";
import { installRedisWithApt } from "./install-redis.ts";
import { redisFacts } from "./redis-facts.ts";

const choice = chooseRedis(await redisFacts({ preferContainer: false }));
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
try {
  if (choice.kind === "impossible") throw new Error(choice.message);
  if (choice.kind === "install-with-apt") installRedisWithApt(log);
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

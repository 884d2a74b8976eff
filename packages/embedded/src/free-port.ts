import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports that Linux and macOS give to outgoing connections: a port chosen here and bound a moment later is not
 * taken by some connection in between.
 */
const lowest = 20_000;
const highest = 32_000;
const tries = 100;
/** What this process was given before: it may be bound only when other servers have started. */
const given = new Set<number>();

/**
 * A TCP port of 127.0.0.1 that is free now, each only once in a process; a server of another process may take it first,
 * so callers retry.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const port = randomInt(lowest, highest);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${lowest} to ${highest} is free on this machine`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

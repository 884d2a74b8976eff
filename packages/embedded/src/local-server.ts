import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { childrenOf } from "./process-identity.ts";
import type { RunningServer } from "./running-server.ts";
import type { ServerDirectory } from "./server-directory.ts";
import { type GuardedProcess, type GuardOrder, startGuarded } from "./start-guarded.ts";
import { waitUntil } from "./wait.ts";

/** How one kind of server is run on a port. */
export type LocalServerRecipe = {
  readonly name: "redis" | "postgres";
  readonly directory: ServerDirectory;
  order(port: number): GuardOrder;
  /** Whether the process `pid` answers on `port` now. */
  isReady(server: { pid: number; port: number }): boolean | Promise<boolean>;
  url(port: number): string;
};

/** Recovery after a crash may take long; a server that lives and works is given this much, in milliseconds. */
const readyMs = 600_000;
/** How long a restart keeps trying: the killed server's port and shared memory may be held for a moment. */
const restartMs = 30_000;
const firstPorts = 5;

/** Starts a server on a free port under a guard; throws with the end of the server's log when it cannot start. */
export async function startLocalServer(recipe: LocalServerRecipe): Promise<RunningServer> {
  for (let tried = 1; ; tried += 1) {
    const port = await freePort();
    try {
      return runningServer(recipe, port, await launch(recipe, port));
    } catch (error) {
      // Another process may have taken the port between the question and the start.
      if (tried < firstPorts && /address already in use/i.test(String(error))) continue;
      recipe.directory.remove();
      throw error;
    }
  }
}

async function launch(recipe: LocalServerRecipe, port: number): Promise<GuardedProcess> {
  const order = recipe.order(port);
  const guarded = await startGuarded(order);
  let ended = false;
  const markEnded = guarded.exited.then(() => {
    ended = true;
  });
  const ready = await waitUntil(
    async () => ended || (await recipe.isReady({ pid: guarded.pid, port })),
    readyMs,
  );
  if (ready && !ended) return guarded;
  await guarded.stop();
  await markEnded;
  throw new Error(`${recipe.name} did not start. The end of its log:\n${logTail(order.logFile)}`);
}

function logTail(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-8).join("\n");
  } catch {
    return "(no log)";
  }
}

async function relaunch(recipe: LocalServerRecipe, port: number): Promise<GuardedProcess> {
  const end = performance.now() + restartMs;
  for (;;) {
    try {
      return await launch(recipe, port);
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(200);
    }
  }
}

function runningServer(recipe: LocalServerRecipe, port: number, first: GuardedProcess): RunningServer {
  let current = first;
  let up = true;
  const watch = (guarded: GuardedProcess): void => {
    void guarded.exited.then(() => {
      if (guarded === current) up = false;
    });
  };
  watch(first);
  // PostgreSQL is a family of processes; freezing means all of them.
  const signalFamily = (name: NodeJS.Signals): void => {
    for (const pid of [current.pid, ...childrenOf(current.pid)]) process.kill(pid, name);
  };
  const stop = async (): Promise<void> => {
    await current.stop();
  };
  return {
    name: recipe.name,
    kind: "local",
    url: recipe.url(port),
    get pid() {
      return up ? current.pid : undefined;
    },
    get exited() {
      return current.exited;
    },
    stop,
    kill9: async () => {
      if (up) process.kill(current.pid, "SIGKILL");
      await current.exited;
    },
    pause: async () => signalFamily("SIGSTOP"),
    cont: async () => signalFamily("SIGCONT"),
    restart: async () => {
      await stop();
      current = await relaunch(recipe, port);
      up = true;
      watch(current);
    },
    close: async () => {
      await stop();
      recipe.directory.remove();
    },
  };
}

import { setTimeout as delay } from "node:timers/promises";
import type { RunningServer } from "@sluice/embedded";
import type { Emit } from "./cluster-types.ts";
import { restartDelay } from "./restart-delay.ts";

/** A server that is started again, on the same port and data, whenever it dies. */
export type SupervisedServer = {
  readonly server: RunningServer;
  /** Stops the server cleanly and keeps its data. */
  stop(): Promise<void>;
};

/** Keeps a server running until it is stopped; one that was given by URL is only used. */
export function superviseServer(server: RunningServer, emit: Emit): SupervisedServer {
  const stopping = new AbortController();
  const watching =
    server.kind === "external" ? Promise.resolve() : watch({ server, emit, stopping: stopping.signal });
  return {
    server,
    stop: async () => {
      stopping.abort();
      // Not before the watch has ended: it may be starting the server right now.
      await Promise.all([server.close(), watching]);
      await server.close();
    },
  };
}

type Watch = { server: RunningServer; emit: Emit; stopping: AbortSignal };

async function watch({ server, emit, stopping }: Watch): Promise<void> {
  let previousMs: number | undefined;
  while (!stopping.aborted) {
    const { pid } = server;
    const startedAt = performance.now();
    const exit = await server.exited;
    const delayMs = stopping.aborted
      ? undefined
      : restartDelay({ previousMs, livedMs: performance.now() - startedAt });
    emit({ type: "exited", name: server.name, pid, ...exit, restartInMs: delayMs });
    if (delayMs === undefined) return;
    previousMs = delayMs;
    await delay(delayMs, undefined, { signal: stopping }).catch(() => undefined);
    if (!stopping.aborted) await restart(server, emit);
  }
}

async function restart(server: RunningServer, emit: Emit): Promise<void> {
  try {
    await server.restart();
    emit({ type: "ready", name: server.name, pid: server.pid });
  } catch (error) {
    emit({
      type: "failed",
      name: server.name,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}

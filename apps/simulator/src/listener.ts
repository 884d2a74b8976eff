import type { Server } from "node:http";
import type { Listener } from "./simulator.ts";

/** A listening socket that can be closed for a while. */
export interface RefusingListener extends Listener {
  /** Where to listen again; told once the port is known. */
  listensOn(address: { host: string; port: number }): void;
  /** Stops listening for good. */
  stop(): void;
}

/** Time after which listening is tried again when the port was taken meanwhile. */
const tryAgainMs = 100;

/** Wraps a server that already listens, or soon will. */
export function createListener(server: Server): RefusingListener {
  let address: { host: string; port: number } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const listenAgain = (): void => {
    timer = undefined;
    server.once("error", () => {
      timer = setTimeout(listenAgain, tryAgainMs);
    });
    server.listen(address, () => server.removeAllListeners("error"));
  };
  return {
    listensOn(at) {
      address = at;
    },
    refuse(durationMs) {
      if (isStopped) return;
      // Closing also drops idle connections; busy ones are asked to close with their answer.
      if (timer === undefined) server.close();
      clearTimeout(timer);
      timer = setTimeout(listenAgain, durationMs);
    },
    isRefusing: () => timer !== undefined,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      if (server.listening) server.close();
    },
  };
}

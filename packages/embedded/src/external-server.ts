import type { RunningServer } from "./running-server.ts";

/** A server given by URL: it can be used, and nothing here ever stops it. */
export function externalServer(name: RunningServer["name"], url: string): RunningServer {
  const refuse = async (): Promise<never> => {
    throw new Error(`${name} was given by URL; only its owner can stop or start it`);
  };
  return {
    name,
    kind: "external",
    url,
    pid: undefined,
    exited: new Promise(() => undefined),
    kill9: refuse,
    stop: refuse,
    pause: refuse,
    cont: refuse,
    restart: refuse,
    close: async () => undefined,
  };
}

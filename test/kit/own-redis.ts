import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@sluice/embedded";

/** A Redis of one test's own, to be killed and frozen. */
export interface OwnRedis {
  readonly url: string;
  /** SIGKILL; waits until it is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port with the same data directory. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Kills it and deletes its data. */
  close(): Promise<void>;
}

/** Starts a Redis on a free port. With `appendOnly` its data survive {@link OwnRedis.kill9}. */
export async function startOwnRedis(options: { readonly appendOnly?: boolean } = {}): Promise<OwnRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-redis-"));
  let child = await start(port, folder, options.appendOnly === true);
  const kill9 = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    kill9,
    async restart() {
      await kill9();
      child = await start(port, folder, options.appendOnly === true);
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async close() {
      await kill9();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start(port: number, folder: string, appendOnly: boolean): Promise<ChildProcess> {
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const durability = appendOnly ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
  const child = spawn("redis-server", [...place, ...durability, "--maxmemory-policy", "noeviction"], {
    stdio: "ignore",
  });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with code ${child.exitCode}`);
    if (await answersPing(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Listening is not enough: while it loads its file, Redis answers LOADING. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port }, () => socket.write("PING\r\n"));
    socket.once("data", (bytes) => {
      socket.destroy();
      resolve(bytes.toString().startsWith("+PONG"));
    });
    socket.once("error", () => resolve(false));
  });
}

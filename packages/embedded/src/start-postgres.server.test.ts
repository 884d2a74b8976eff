import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createDatabase } from "./create-database.ts";
import type { RunningServer } from "./running-server.ts";
import { startPostgres } from "./start-postgres.ts";

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Below a directory that only its owner may enter, as a clone in /root or in a mkdtemp folder is. */
function closedDataDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), "sluice-test-"));
  chmodSync(parent, 0o700);
  cleanUp.push(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, "data");
}

async function start(dataDir?: string): Promise<RunningServer> {
  const postgres = await startPostgres({
    fast: true,
    preferContainer: false,
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  cleanUp.push(() => postgres.close());
  return postgres;
}

test("gives each caller a fresh database", async () => {
  const postgres = await start();
  const [first, second] = await Promise.all([createDatabase(postgres), createDatabase(postgres)]);
  expect(first).not.toBe(second);
});

test("starts, crashes and starts again on data below a closed directory, at the same URL", async () => {
  const dataDir = closedDataDirectory();
  const postgres = await start(dataDir);
  const { url } = postgres;
  const owner = statSync(join(dataDir, "postgres")).uid;
  await postgres.kill9();
  expect(postgres.pid).toBeUndefined();
  await postgres.restart();
  expect(postgres.url).toBe(url);
  expect(await createDatabase(postgres)).toContain("/test_");
  expect(statSync(join(dataDir, "postgres")).uid).toBe(owner);
});

test("a second start on the same data stops the server that is still there", async () => {
  const dataDir = closedDataDirectory();
  const first = await start(dataDir);
  const firstExit = first.exited;
  const second = await start(dataDir);
  expect(await firstExit).toEqual({ code: 0, signal: null });
  expect(await createDatabase(second)).toContain("/test_");
});

test("a stale pid file that names another living process neither stops the start nor harms that process", async () => {
  const dataDir = closedDataDirectory();
  const first = await start(dataDir);
  await first.stop();
  writeFileSync(join(dataDir, "postgres", "data", "postmaster.pid"), `${process.pid}\n`);
  const second = await start(dataDir);
  expect(await createDatabase(second)).toContain("/test_");
});

test("half a database cluster, left by a crash while it was made, is made anew", async () => {
  const dataDir = closedDataDirectory();
  mkdirSync(join(dataDir, "postgres", "data.new", "base"), { recursive: true });
  expect(await createDatabase(await start(dataDir))).toContain("/test_");
});

test("is durable unless asked to be fast", async (context) => {
  if (process.platform !== "linux") context.skip("looks at /proc to see the settings");
  const postgres = await startPostgres({ preferContainer: false });
  cleanUp.push(() => postgres.close());
  const settings = readFileSync(`/proc/${postgres.pid}/cmdline`, "utf8").split("\0");
  expect(settings).toContain("fsync=on");
  expect(settings).toContain("full_page_writes=on");
});

test("scratch data is gone after close, given data stays", async (context) => {
  if (process.platform !== "linux") context.skip("looks at /proc to find the scratch directory");
  const scratch = await start();
  const directory = readlinkSync(`/proc/${scratch.pid}/cwd`);
  expect(existsSync(directory)).toBe(true);
  await scratch.close();
  expect(existsSync(directory)).toBe(false);
  const dataDir = closedDataDirectory();
  await (await start(dataDir)).close();
  expect(existsSync(join(dataDir, "postgres", "data", "PG_VERSION"))).toBe(true);
});

/** Starts and stops PostgreSQL on `dataDir` in a process for which programs in `path` come first; answers its output. */
function startElsewhere(dataDir: string, path: string): string {
  const script = `
    const { createDatabase, startPostgres } = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    const { statSync } = await import("node:fs");
    const postgres = await startPostgres({ fast: true, preferContainer: false, dataDir: ${JSON.stringify(dataDir)} });
    await createDatabase(postgres);
    console.log("runs as", statSync("/proc/" + postgres.pid).uid === 0 ? "root" : "another account");
    await postgres.close();
  `;
  const env = { ...process.env, PATH: `${path}:${process.env["PATH"]}` };
  return execFileSync(process.execPath, ["--input-type=module", "--eval", script], { env, encoding: "utf8" });
}

test("as root, where user namespaces are forbidden, another account takes over the same data", async (context) => {
  if (process.getuid?.() !== 0) context.skip("needs to be root");
  const dataDir = closedDataDirectory();
  const forbidden = join(dataDir, "..", "forbidden");
  mkdirSync(forbidden);
  writeFileSync(join(forbidden, "unshare"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  await (await start(dataDir)).close();
  expect(startElsewhere(dataDir, forbidden)).toBe("runs as another account\n");
  expect(await createDatabase(await start(dataDir))).toContain("/test_");
});

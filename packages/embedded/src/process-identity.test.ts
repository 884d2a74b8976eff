import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { childrenOf, isAlive, startOf, worksIn } from "./process-identity.ts";
import { waitUntil } from "./wait.ts";

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0)) step();
});

/** A process that starts another one, tells its id, and then stands still, so that it never collects it. */
async function parentOfZombie(): Promise<{ parent: number; zombie: number }> {
  const script = `
    const child = require("node:child_process").spawn("true");
    require("node:fs").writeSync(1, String(child.pid));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  `;
  const owner = spawn(process.execPath, ["--eval", script], {
    stdio: ["ignore", "pipe", "ignore"],
    cwd: tmpdir(),
  });
  cleanUp.push(() => owner.kill("SIGKILL"));
  const [told] = (await once(owner.stdout, "data")) as [Buffer];
  return { parent: owner.pid ?? 0, zombie: Number(told.toString()) };
}

test("a running process is alive, an ended one is not", () => {
  expect(isAlive(process.pid)).toBe(true);
  expect(isAlive(spawnSync(process.execPath, ["--version"]).pid)).toBe(false);
});

test("a process that ended and was never collected is not alive", async (context) => {
  if (process.platform !== "linux") context.skip("looks at /proc to see how a process ended");
  const { parent, zombie } = await parentOfZombie();
  expect(childrenOf(parent)).toEqual([zombie]);
  expect(await waitUntil(() => !isAlive(zombie), 60_000)).toBe(true);
  expect(process.kill(zombie, 0)).toBe(true);
});

test("a process is told from others by where it works", async () => {
  const { parent } = await parentOfZombie();
  expect(worksIn(parent, tmpdir())).toBe(true);
  expect(worksIn(parent, realpathSync("/"))).toBe(false);
});

test("a process keeps its start, and no process has none", () => {
  expect(startOf(process.pid)).toBe(startOf(process.pid));
  expect(startOf(process.pid)).toMatch(/\d/);
  expect(startOf(spawnSync(process.execPath, ["--version"]).pid)).toBeUndefined();
});

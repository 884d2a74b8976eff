import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isAlive } from "./process-identity.ts";
import { waitUntil } from "./wait.ts";

/** A process that starts both servers on scratch data, tells their ids and waits to be killed. */
function startOwner(): ChildProcess {
  const script = `
    const { startPostgres, startRedis } = await import(${JSON.stringify(fileURLToPath(new URL("./index.ts", import.meta.url)))});
    const { readlinkSync } = await import('node:fs');
    const redis = await startRedis({ preferContainer: false });
    const postgres = await startPostgres({ fast: true, preferContainer: false });
    const pids = [redis.pid, postgres.pid];
    process.send({ pids, directories: pids.map((pid) => readlinkSync('/proc/' + pid + '/cwd')) });
  `;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

test("servers and scratch data do not outlive an owner that is killed with SIGKILL", async (context) => {
  if (process.platform !== "linux") context.skip("looks at /proc to find the scratch directories");
  const owner = startOwner();
  const [started] = (await once(owner, "message")) as [{ pids: number[]; directories: string[] }];
  expect(started.pids.every(isAlive)).toBe(true);
  owner.kill("SIGKILL");
  expect(await waitUntil(() => started.pids.every((pid) => !isAlive(pid)), 60_000)).toBe(true);
  expect(
    await waitUntil(() => started.directories.every((directory) => !existsSync(directory)), 60_000),
  ).toBe(true);
});

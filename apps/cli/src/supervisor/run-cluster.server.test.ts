import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAlive } from "@sluice/embedded";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClusterEvent } from "./cluster-types.ts";
import { startCluster } from "./start-cluster.ts";
import { type ToyCluster, toyCluster } from "./toy-cluster.fixture.ts";

let toys: ToyCluster;
let supervisor: ChildProcess | undefined;
beforeEach(() => {
  toys = toyCluster();
});
afterEach(() => {
  supervisor?.kill("SIGKILL");
  toys.remove();
});

const patience = { timeout: 60_000, interval: 50 };

/** Runs a toy cluster in a process of its own and answers when all of it runs. */
async function startSupervisor({ stubborn }: { stubborn: boolean }): Promise<number[]> {
  const runner = fileURLToPath(new URL("./run-cluster.ts", import.meta.url));
  const script = join(toys.folder, "supervisor.mjs");
  writeFileSync(
    script,
    `
    import { runCluster } from ${JSON.stringify(runner)};
    const { options, stubborn } = JSON.parse(process.argv[2]);
    const api = { ...options.stages[2][0], args: [...options.stages[2][0].args, ...(stubborn ? ["stubborn"] : [])] };
    const main = async (cluster, signal) => {
      process.send(cluster.processes.map(({ pid }) => pid));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return 0;
    };
    process.exitCode = await runCluster({
      ...options, stages: [[...options.stages[0]], [api]], migrate: async () => undefined, say: () => undefined, main,
    });
    `,
  );
  const started = spawn(process.execPath, [script, JSON.stringify({ options: toys.options, stubborn })], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  supervisor = started;
  const [pids] = (await once(started, "message")) as [number[]];
  expect(pids).toHaveLength(4);
  expect(pids.every(isAlive)).toBe(true);
  return pids;
}

test("SIGTERM drains and ends with code 0", async () => {
  const pids = await startSupervisor({ stubborn: false });
  supervisor?.kill("SIGTERM");
  expect(await once(supervisor as ChildProcess, "exit")).toEqual([0, null]);
  expect(toys.stopped()).toEqual(["api", "simulator"]);
  expect(pids.filter(isAlive)).toEqual([]);
});

test("one key press that arrives three times still drains", async () => {
  await startSupervisor({ stubborn: false });
  for (let copy = 0; copy < 3; copy += 1) supervisor?.kill("SIGINT");
  expect(await once(supervisor as ChildProcess, "exit")).toEqual([0, null]);
  expect(toys.stopped()).toEqual(["api", "simulator"]);
});

test("a second Ctrl-C ends at once a cluster that does not drain", async () => {
  const pids = await startSupervisor({ stubborn: true });
  const exit = once(supervisor as ChildProcess, "exit");
  supervisor?.kill("SIGINT");
  await vi.waitFor(() => expect(toys.stopped()).toEqual(["api"]), patience);
  const pressing = setInterval(() => supervisor?.kill("SIGINT"), 100);
  expect(await exit).toEqual([130, null]);
  clearInterval(pressing);
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), patience);
});

test("drains when the process that holds its pipe is gone", async () => {
  await startSupervisor({ stubborn: false });
  const exit = once(supervisor as ChildProcess, "exit");
  supervisor?.disconnect();
  expect(await exit).toEqual([0, null]);
  expect(toys.stopped()).toEqual(["api", "simulator"]);
});

test("kill -9 of the supervisor leaves no orphans, and the next start takes over at once", async () => {
  const pids = await startSupervisor({ stubborn: true });
  supervisor?.kill("SIGKILL");
  await once(supervisor as ChildProcess, "exit");
  const events: ClusterEvent[] = [];
  const next = await startCluster({ ...toys.options, onEvent: (event) => events.push(event) });
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), patience);
  expect(next.processes).toHaveLength(6);
  expect(events.filter(({ type }) => type === "exited" || type === "failed")).toEqual([]);
  await next.stop();
});

import { isAlive } from "@sluice/embedded";
import { request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Cluster, ClusterEvent, ClusterOptions } from "./cluster-types.ts";
import { startCluster } from "./start-cluster.ts";
import { type ToyCluster, toyCluster } from "./toy-cluster.fixture.ts";

let toys: ToyCluster;
const clusters: Cluster[] = [];
beforeEach(() => {
  toys = toyCluster();
});
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
  toys.remove();
});

async function start(more: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const cluster = await startCluster({ ...toys.options, ...more });
  clusters.push(cluster);
  return cluster;
}

function pidOf(cluster: Cluster, name: string): number | undefined {
  return cluster.processes.find((one) => one.name === name)?.pid;
}

async function seenBy(url: string): Promise<unknown> {
  const { body } = await request(url);
  return body.json();
}

const readyAgain = (name: string) => (event: ClusterEvent) => event.type === "ready" && event.name === name;

test("starts the servers, migrates, and starts the stages in order, each child with its addresses", async () => {
  const migrated: string[] = [];
  const cluster = await start({ migrate: async (url) => void migrated.push(url) });
  expect(migrated).toEqual([cluster.databaseUrl]);
  expect(cluster.processes.map(({ name }) => name).sort()).toEqual([
    "api",
    "postgres",
    "redis",
    "simulator",
    "worker-1",
    "worker-2",
  ]);
  const started = cluster.events.flatMap((event) => (event.type === "started" ? [event.name] : []));
  expect(started).toEqual(["simulator", "worker-1", "worker-2", "api"]);
  expect(await seenBy(cluster.urls["worker-2"] ?? "")).toEqual({
    DATABASE_URL: cluster.databaseUrl,
    REDIS_URL: cluster.redisUrl,
    TOY_UPSTREAM: cluster.urls["simulator"],
  });
});

test("drains the last stage first, then stops the servers, and leaves no process", async () => {
  const cluster = await start();
  const pids = cluster.processes.map(({ pid }) => pid);
  await cluster.stop();
  expect(toys.stopped()[0]).toBe("api");
  expect(toys.stopped().slice(1, 3)).toEqual(["worker", "worker"]);
  expect(toys.stopped()[3]).toBe("simulator");
  expect(pids.filter(isAlive)).toEqual([]);
  expect(cluster.processes).toEqual([]);
});

test("starts a killed child again under the same URL", async () => {
  const cluster = await start();
  const { apiUrl } = cluster;
  const before = pidOf(cluster, "api");
  const ready = cluster.waitFor(readyAgain("api"));
  await cluster.kill("api", "SIGKILL");
  await ready;
  expect(cluster.apiUrl).toBe(apiUrl);
  expect(pidOf(cluster, "api")).not.toBe(before);
  expect(await seenBy(apiUrl)).toMatchObject({ REDIS_URL: cluster.redisUrl });
});

test.each(["redis", "postgres"])("starts a killed %s again under the same URL", async (name) => {
  const cluster = await start();
  const before = pidOf(cluster, name);
  const ready = cluster.waitFor(readyAgain(name));
  await cluster.kill(name, "SIGKILL");
  await ready;
  expect(pidOf(cluster, name)).not.toBe(before);
  expect(cluster.events).toContainEqual({
    type: "exited",
    name,
    pid: before,
    code: null,
    signal: "SIGKILL",
    restartInMs: 200,
  });
});

test("kills a child that does not drain in time", async () => {
  const stages = [[toys.toy("api", { stubborn: true })]];
  const cluster = await start({ stages, drainMs: 50 });
  const pid = pidOf(cluster, "api");
  await cluster.stop();
  expect(toys.stopped()).toEqual(["api"]);
  expect(cluster.events).toContainEqual({
    type: "exited",
    name: "api",
    pid,
    code: null,
    signal: "SIGKILL",
    restartInMs: undefined,
  });
});

test("a second cluster on the same data directory is refused and the first one is unharmed", async () => {
  const cluster = await start();
  await expect(startCluster(toys.options)).rejects.toThrow(`process ${process.pid}`);
  expect(await seenBy(cluster.apiUrl)).toMatchObject({ REDIS_URL: cluster.redisUrl });
});

test("a child that cannot start ends the start with its last words, and nothing keeps running", async () => {
  const events: ClusterEvent[] = [];
  const broken = { name: "api", args: ["--eval", "console.error('port 8080 is taken'); process.exit(1)"] };
  const starting = startCluster({
    ...toys.options,
    stages: [[toys.toy("worker")], [broken]],
    onEvent: (event) => events.push(event),
  });
  await expect(starting).rejects.toThrow(/api does not start.*port 8080 is taken/s);
  const pids = events.flatMap((event) => ("pid" in event && event.pid !== undefined ? [event.pid] : []));
  expect(pids.length).toBeGreaterThan(3);
  expect(pids.filter(isAlive)).toEqual([]);
});

test("keeps the admin key and the servers' passwords from one start to the next", async () => {
  const first = await start();
  await first.stop();
  const second = await start();
  expect(second.adminKey).toBe(first.adminKey);
  expect(new URL(second.databaseUrl).password).toBe(new URL(first.databaseUrl).password);
});

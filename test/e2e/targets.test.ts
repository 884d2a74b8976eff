import { closeRedis, connectRedis } from "@sluice/redis";
import { afterEach, expect, test } from "vitest";
import type { SimulatorOptions } from "../../apps/simulator/src/options.ts";
import { type RunningSimulator, startSimulator } from "../../apps/simulator/src/server.ts";
import { promptLines, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";

/** Ends what a test has started, last first. */
const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function simulate(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const simulator = await startSimulator({
    ttftMs: 60,
    tokensPerSecond: 2_000,
    meanOutputTokens: 20,
    ...options,
  });
  endings.push(() => simulator.close(0));
  return simulator;
}

/** A cluster with the targets `left` and `right` on two upstreams of their own, which have engines' metrics. */
async function startTwins(
  left: RunningSimulator,
  right: RunningSimulator,
  { healthCheck = "" }: { healthCheck?: string } = {},
): Promise<TestCluster> {
  const engine = (url: string) =>
    `{ kind: openai, base_url: "${url}", engine: { kind: vllm, metrics_url: "${new URL("/metrics", url)}" } ${healthCheck}}`;
  const cluster = await startTestCluster({
    workers: 2,
    config: `
version: 1
providers:
  left: ${engine(left.url)}
  right: ${engine(right.url)}
pools:
  twins:
    targets:
      - { id: left, provider: left, model: m, version: "1", context_window: 100000 }
      - { id: right, provider: right, model: m, version: "2", context_window: 100000 }
models:
  auto: { pools: [twins] }
`,
  });
  endings.push(() => cluster.stop());
  return cluster;
}

/** The views of both targets, by id. */
async function targetsOf({ api }: TestCluster) {
  const { status, body } = await api.get("/v1/pools");
  expect(status).toBe(200);
  // biome-ignore lint/suspicious/noExplicitAny: the tests look at single fields.
  return Object.fromEntries(body.data[0].targets.map((target: { id: string }) => [target.id, target])) as any;
}

async function runBatch({ api, openai }: TestCluster, lines: number) {
  return untilEnded(openai, await startBatch(api, toJsonl(promptLines(lines, { model: "auto" }))));
}

test("a target that dies under load costs no job: the other takes over, and it is let back when it returns", async () => {
  const [first, right] = [await simulate(), await simulate()];
  const { api, openai, ...cluster } = await startTwins(first, right);
  const all = { api, openai, ...cluster };
  const batch = await startBatch(api, toJsonl(promptLines(1_500, { model: "auto" })));
  await until("both work", async () => (first.stats().calls > 100 && right.stats().calls > 100) || undefined);
  const port = Number(new URL(first.url).port);
  await first.close(0);
  await until(
    "the breaker opens",
    async () => (await targetsOf(all)).left.breaker.state === "open" || undefined,
  );
  const before = right.stats().calls;
  await until("the other has taken over", async () => right.stats().calls > before + 100 || undefined);
  expect(await untilEnded(openai, batch)).toMatchObject({
    status: "completed",
    request_counts: { total: 1_500, completed: 1_500, failed: 0 },
  });

  const returned = await simulate({ port });
  await until("a probe closes the breaker", async () => {
    await runBatch(all, 20);
    return (await targetsOf(all)).left.breaker.state === "closed" || undefined;
  });
  expect(returned.stats().calls).toBeGreaterThan(0);
  expect(await runBatch(all, 200)).toMatchObject({ request_counts: { completed: 200, failed: 0 } });
});

interface Candidate {
  readonly dropped?: { readonly filter: string };
  readonly scores?: Readonly<Record<string, number>>;
}

test("traffic follows the metrics of engines: a saturated one gets none while another has room", async () => {
  const slow = { tokensPerSecond: 10, meanOutputTokens: 4_000, outputSpread: 0, slots: 8, kvBlocks: 2_000 };
  const [left, right] = [await simulate(slow), await simulate({ slots: 64 })];
  const others = new AbortController();
  const load = Array.from({ length: 40 }, () =>
    fetch(`${left.url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "Write a long book." }] }),
      signal: others.signal,
    }).catch(() => undefined),
  );
  endings.push(async () => {
    others.abort();
    await Promise.all(load);
  });
  await until("the left engine is saturated", async () => left.stats().calls >= 40 || undefined);
  const cluster = await startTwins(left, right);
  await until("the workers have read the metrics", async () => {
    const batch = await runBatch(cluster, 1);
    const [job] = (await cluster.api.get(`/v1/jobs?batch_id=${batch.id}`)).body.data;
    const { candidates } = (await cluster.api.get(`/v1/jobs/${job.id}/route`)).body;
    const byId = new Map(candidates.map((one: { target: string }) => [one.target, one]));
    const [fullOne, freeOne] = [byId.get("left"), byId.get("right")] as Candidate[];
    const isDropped = fullOne?.dropped?.filter === "engine-has-room";
    return (isDropped && (freeOne?.scores?.["engine-load"] ?? 0) > 0.9) || undefined;
  });
  const [leftBefore, rightBefore] = [left.stats().calls, right.stats().calls];
  expect(await runBatch(cluster, 100)).toMatchObject({ request_counts: { completed: 100 } });
  expect(left.stats().calls - leftBefore).toBe(0);
  expect(right.stats().calls - rightBefore).toBe(100);
});

test("a target that was paused gets nothing, whatever is lost, until it is resumed", async () => {
  const [left, right] = [await simulate(), await simulate()];
  const cluster = await startTwins(left, right);
  const operate = (operation: string, target = "left") =>
    cluster.api.post(`/v1/pools/twins/targets/${target}/${operation}`);
  expect(await operate("drain")).toMatchObject({
    status: 200,
    body: { id: "left", state: "draining", in_flight: 0 },
  });
  expect(await operate("pause", "none")).toMatchObject({ status: 404, body: { error: { param: "target" } } });
  const { calls } = left.stats();
  expect(await runBatch(cluster, 50)).toMatchObject({ request_counts: { completed: 50 } });

  const redis = connectRedis({
    url: cluster.supervised.redisUrl,
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  await redis.flushall();
  await until("Redis is told again", async () => {
    const [state] = await redis.hmget("{capacity}:target-use:left", "op_state");
    return state === "draining" || undefined;
  });
  await closeRedis(redis);
  expect(await runBatch(cluster, 50)).toMatchObject({ request_counts: { completed: 50 } });
  expect(left.stats().calls).toBe(calls);
  expect((await targetsOf(cluster)).left).toMatchObject({ state: "draining", in_flight: 0 });

  expect(await operate("resume")).toMatchObject({ status: 200, body: { state: "active" } });
  await until("the resumed target serves", async () => {
    await runBatch(cluster, 20);
    return left.stats().calls > calls || undefined;
  });
});

test("traffic is shifted to a new version while a batch runs, as soon as its health check passes", async () => {
  const [left, right] = [await simulate(), await simulate()];
  right.setFaults({ unhealthy: true });
  const healthCheck = ", health_check: { path: /health, interval: 1s, healthy_after: 1, unhealthy_after: 1 }";
  const cluster = await startTwins(left, right, { healthCheck });
  const shift = (percent: number) =>
    cluster.api.post("/v1/pools/twins/shift", { from: "left", to: "right", percent });
  const callsOf = async (work: () => Promise<unknown>) => {
    const before = [left.stats().calls, right.stats().calls] as const;
    await work();
    return { left: left.stats().calls - before[0], right: right.stats().calls - before[1] };
  };

  expect(await shift(100)).toMatchObject({
    status: 200,
    body: {
      targets: [
        { weight: 0, weight_given: true },
        { weight: 2, version: "2" },
      ],
    },
  });
  const batch = await startBatch(cluster.api, toJsonl(promptLines(1_500, { model: "auto" })));
  await until("the old version works", async () => left.stats().calls > 200 || undefined);
  expect(right.stats().calls).toBe(0);
  expect((await targetsOf(cluster)).right).toMatchObject({ state: "active", health: { ok: false } });
  right.setFaults({ unhealthy: false });
  expect(await untilEnded(cluster.openai, batch)).toMatchObject({
    request_counts: { total: 1_500, completed: 1_500, failed: 0 },
  });
  expect(right.stats().calls).toBeGreaterThan(0);
  expect(await callsOf(() => runBatch(cluster, 100))).toEqual({ left: 0, right: 100 });

  expect(await shift(10)).toMatchObject({ status: 200 });
  const shared = await callsOf(() => runBatch(cluster, 400));
  // A tenth of 400, by five standard deviations.
  expect(Math.abs(shared.right - 40)).toBeLessThan(30);

  right.setFaults({ unhealthy: true });
  await until(
    "both workers have seen it",
    async () => (await callsOf(() => runBatch(cluster, 40))).right === 0 || undefined,
  );
  expect(await cluster.api.post("/v1/pools/twins/targets/left/weight", { weight: -1 })).toMatchObject({
    status: 400,
    body: { error: { param: "weight" } },
  });
});

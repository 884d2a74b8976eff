import { closeRedis, connectRedis } from "@sluice/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";

const requestsPerMinute = 60;
const jobs = 100;

// Jobs without time use what is left of the minute at once, and so does an upstream that counts strictly.
const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 700, tokens_per_second: 1000, requests_per_minute: ${requestsPerMinute} }
pools:
  only:
    targets:
      - { id: only, provider: sim, model: sim-8b, limits: { requests_per_minute: ${requestsPerMinute}, concurrency: 12, tokens_per_day: 1000000 } }
models:
  auto: { pools: [only] }
sla_classes:
  urgent: { deadline: 30s, default: true, on_miss: best_effort }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config, workers: 3 });
});
afterAll(() => cluster?.stop());

async function loseRedis(): Promise<void> {
  const { redisUrl: url } = cluster.supervised;
  const redis = connectRedis({ url, role: "commands", name: "test", onError: () => undefined });
  await redis.flushall();
  await closeRedis(redis);
}

async function submit(n: number): Promise<string> {
  const answer = await cluster.api.post("/v1/jobs", {
    endpoint: "/v1/chat/completions",
    body: {
      model: "auto",
      messages: [{ role: "user", content: `Name ${n} rivers.` }],
      max_tokens: 20,
    },
  });
  expect(answer.status).toBe(202);
  return answer.body.id;
}

async function stats() {
  const read = await cluster.simulators["sim"]?.stats();
  if (read === undefined) throw new Error("no simulator");
  return read;
}

test("an upstream with strict windows never sees more than its limit though Redis loses everything in the middle of a minute", async () => {
  const ids = await Promise.all(Array.from({ length: jobs }, (_, n) => submit(n)));
  await until("half of a minute's calls are made", async () =>
    (await stats()).calls >= requestsPerMinute / 2 ? true : undefined,
  );
  await loseRedis();
  await until("the minute is used up", async () =>
    (await stats()).calls >= requestsPerMinute ? true : undefined,
  );
  await loseRedis();
  await until("all jobs have ended", async () => {
    const { body } = await cluster.api.get("/v1/jobs?status=succeeded&limit=100");
    return body.data.length === ids.length ? true : undefined;
  });
  const { calls, throttled, max_requests_60s: most } = await stats();
  expect(throttled.total).toBe(0);
  expect(most).toBeLessThanOrEqual(requestsPerMinute);
  expect(calls).toBe(jobs);
  expect(await placesTaken()).toBe(0);
});

/** Calls that capacity counts as in flight when a worker looks at it for a new job. */
async function placesTaken(): Promise<number> {
  const id = await submit(jobs);
  const route = await until("a route is decided", async () => {
    const answer = await cluster.api.get(`/v1/jobs/${id}/route`);
    return answer.body?.dry_run === false ? answer.body : undefined;
  });
  return route.signals.only.in_flight;
}

import { closeRedis, connectRedis } from "@sluice/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiCaller } from "./kit/api-caller.ts";
import { batchLine, promptLines, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { addTenant } from "./kit/second-tenant.ts";
import { until } from "./kit/until.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./kit/webhook-receiver.ts";

const maxTokens = 40;
const price = { input: 10, output: 100 };

const target = (id: string, provider: string, limits: string) =>
  `{ id: ${id}, provider: ${provider}, model: sim-8b, limits: ${limits}, price: { input: ${price.input}, output: ${price.output} } }`;
const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 150, tokens_per_second: 2000 }
  slow: { kind: simulator, ttft_ms: 300, tokens_per_second: 2000 }
pools:
  priced: { targets: [${target("priced", "sim", "{ concurrency: 24 }")}] }
  narrow: { targets: [${target("narrow", "slow", "{ concurrency: 2 }")}] }
models:
  auto: { pools: [priced] }
  narrow: { pools: [narrow] }
tenants:
  # An answer of four tenths of a cent, and not a second one.
  thrifty: { limits: { usd_per_day_per_key: 0.0045 } }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

let cluster: TestCluster;
let webhooks: WebhookReceiver;
beforeAll(async () => {
  webhooks = await startWebhookReceiver();
  cluster = await startTestCluster({ config, workers: 3 });
});
afterAll(async () => {
  await cluster?.stop();
  webhooks?.close();
});

async function callsOf(provider: string) {
  return (await cluster.simulators[provider]?.calls()) ?? [];
}

/** What the upstream would charge. */
async function charged(provider: string): Promise<number> {
  const calls = (await callsOf(provider)).filter(({ status }) => status === 200);
  return calls.reduce(
    (sum, call) => sum + (call.input_tokens * price.input + call.output_tokens * price.output) / 1_000_000,
    0,
  );
}

async function loseRedis(): Promise<void> {
  const { redisUrl: url } = cluster.supervised;
  const redis = connectRedis({ url, role: "commands", name: "test", onError: () => undefined });
  await redis.flushall();
  await closeRedis(redis);
}

const eventsOf = (id: string) =>
  webhooks.received
    .map(({ body }) => JSON.parse(body))
    .flatMap(({ type, data }) => (data.id === id ? [type] : []));

test("a batch of 200 lines never costs more than its max_spend_usd, though Redis is lost on the way, and is ended when that is used up", async () => {
  const maxSpendUsd = 0.45;
  const lines = promptLines(200, { model: "auto", maxTokens });
  const asked = { max_spend_usd: maxSpendUsd, webhook_url: webhooks.url };
  const id = await startBatch(cluster.api, toJsonl(lines), asked);
  await until("some lines have been paid", async () => ((await charged("sim")) > 0.1 ? true : undefined));
  await loseRedis();
  const batch = await untilEnded(cluster.openai, id);
  expect(batch).toMatchObject({
    status: "cancelled",
    errors: { data: [{ code: "max_spend_reached", line: null, param: "max_spend_usd" }] },
  });
  const spent = await charged("sim");
  expect(spent).toBeLessThanOrEqual(maxSpendUsd);
  // Calls under way when Redis was lost count at their worst: how many they were is the machine's, but never half of all.
  expect(spent).toBeGreaterThan(maxSpendUsd / 2);
  const { body: view } = await cluster.api.get(`/v1/batches/${id}`);
  expect(view.max_spend_usd).toBe(maxSpendUsd);
  expect(view.cost_usd).toBeCloseTo(spent, 6);

  const { output, errors } = await readResults(cluster.openai, batch);
  expect(output.length).toBe(batch.request_counts?.completed);
  expect(new Set(errors.map(({ error }) => error?.code))).toEqual(new Set(["batch_budget_exhausted"]));
  const ids = [...output, ...errors].map((line) => line.custom_id);
  expect(ids.toSorted()).toEqual(lines.map((line) => line.custom_id).toSorted());
  await until("the webhook has come", async () => (eventsOf(id).length > 0 ? true : undefined));
  expect(eventsOf(id)).toEqual(["batch.cancelled"]);
});

test("a batch of whose lines half are refused is ended when more fail than its stop_on_error_rate allows", async () => {
  const lines = Array.from({ length: 120 }, (_, index) =>
    batchLine(`line-${index}`, {
      model: "narrow",
      content: `Line ${index}. ${index % 2 ? "[[sim:400]]" : ""}`,
    }),
  );
  const id = await startBatch(cluster.api, toJsonl(lines), { stop_on_error_rate: 0.25 });
  const batch = await untilEnded(cluster.openai, id);
  expect(batch).toMatchObject({
    status: "cancelled",
    errors: { data: [{ code: "error_rate_exceeded", line: null, param: "stop_on_error_rate" }] },
  });
  const { output, errors } = await readResults(cluster.openai, batch);
  const failed = errors.filter(({ response }) => response?.status_code === 400);
  const stopped = errors.filter(({ error }) => error?.code === "batch_error_rate_exceeded");
  expect(output.length + failed.length).toBeGreaterThanOrEqual(20);
  expect(stopped.length).toBeGreaterThan(0);
  expect(output.length + failed.length + stopped.length).toBe(lines.length);
});

test("a job whose key has spent its day waits or expires, while the tenant's other key runs", async () => {
  const [spender, other] = [await addTenant(cluster, "thrifty"), await addTenant(cluster, "thrifty")];
  expect((await untilFinished(spender, await submit(spender, "10m"))).status).toBe("succeeded");
  const waits = await submit(spender, "10m");
  const seen = await until("it waits", async () => {
    const { body } = await spender.get(`/v1/jobs/${waits}`);
    return body.status === "waiting" ? body : undefined;
  });
  expect(seen.waiting_for).toBe("budget.key");
  const expires = await untilFinished(spender, await submit(spender, "1s"));
  expect(expires).toMatchObject({ status: "expired", error: { code: "job_expired" } });
  expect((await untilFinished(other, await submit(other, "10m"))).status).toBe("succeeded");
  expect((await spender.post(`/v1/jobs/${waits}/cancel`)).body.status).toBe("cancelled");
});

async function submit(api: ApiCaller, deadline: string): Promise<string> {
  const messages = [{ role: "user", content: "Name three rivers." }];
  const body = { model: "auto", messages, max_tokens: maxTokens };
  const asked = { endpoint: "/v1/chat/completions", body, deadline, sla: "batch" };
  const answer = await api.post("/v1/jobs", asked);
  expect(answer.status).toBe(202);
  return answer.body.id;
}

const untilFinished = (api: ApiCaller, id: string) =>
  until(`${id} ends`, async () => {
    const { body } = await api.get(`/v1/jobs/${id}?wait=30`);
    return body.finished_at === undefined ? undefined : body;
  });

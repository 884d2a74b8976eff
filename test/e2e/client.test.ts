import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type BulkAnswer, type EndedJob, resultOf, Sluice } from "@sluice/client";
import { asJob, queued } from "@sluice/client/openai";
import OpenAI from "openai";
import OpenAI6 from "openai-6";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createReceiver } from "../../packages/client/examples/receiver.ts";
import { readmeSnippets, type Snippet } from "../client/readme-snippets.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { chatJob } from "./kit/submit.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000, concurrency: 64 }
  slow: { kind: simulator, ttft_ms: 6000, tokens_per_second: 5000 }
  never: { kind: simulator, ttft_ms: 600000, tokens_per_second: 5000 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b, price: { input: 1, output: 4 } }] }
  slow: { targets: [{ id: slow, provider: slow, model: sim-70b }] }
  never: { targets: [{ id: never, provider: never, model: sim-70b }] }
models:
  auto: { pools: [quick] }
  slow: { pools: [slow] }
  never: { pools: [never] }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

let cluster: TestCluster;
let sluice: Sluice;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
  sluice = new Sluice({ baseUrl: cluster.url, apiKey: adminKey, maxRetries: 8 });
});
afterAll(() => cluster?.stop());

const chat = (index: number, model = "auto", more: object = {}) =>
  chatJob({ model, index, maxTokens: 20 }, more);
const killApi = () => cluster.supervised.kill("api", "SIGKILL");

async function collect(answers: AsyncIterable<BulkAnswer>) {
  const seen: BulkAnswer[] = [];
  for await (const answer of answers) seen.push(answer);
  return seen;
}

test("two hundred requests are one job each and all succeed, though the API dies while they go up", async () => {
  async function* requests() {
    for (let index = 0; index < 200; index += 1) {
      if (index === 100) await killApi();
      yield chat(index, "auto", { metadata: { run: "bulk" } });
    }
  }
  const key = { idempotencyKey: "two-hundred", concurrency: 2 };
  const answers = await collect(sluice.jobs.bulk(requests(), key));
  expect(answers.map(({ index }) => index)).toEqual(Array.from({ length: 200 }, (_, index) => index));
  const ids = answers.map(({ id }) => id ?? "none");
  expect(new Set(ids).size).toBe(200);
  const ended = new Set<string>();
  for await (const { id, status } of sluice.jobs.waitAll(ids)) if (status === "succeeded") ended.add(id);
  expect(ended).toEqual(new Set(ids));
  const again = await collect(
    sluice.jobs.bulk(
      Array.from({ length: 200 }, (_, index) => chat(index, "auto", { metadata: { run: "bulk" } })),
      key,
    ),
  );
  expect(again).toEqual(ids.map((id, index) => ({ index, id, replayed: true })));
  const listed: string[] = [];
  for await (const { id } of sluice.jobs.list({ metadata: { run: "bulk" }, order: "asc" })) listed.push(id);
  expect(listed.sort()).toEqual(ids.sort());
});

test("a stream and a wait go on over the death of the API, and no event is lost or comes twice", async () => {
  const job = await sluice.jobs.submit(chat(1, "slow"));
  const waiting = sluice.jobs.wait(job);
  const statuses: string[] = [];
  const ids: number[] = [];
  for await (const { id, status } of sluice.jobs.stream(job)) {
    ids.push(Number(id));
    statuses.push(status);
    if (status === "queued" || status === "running") await killApi();
  }
  expect(statuses.filter((status) => status !== "waiting")).toEqual(["queued", "running", "succeeded"]);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  expect((await waiting).status).toBe("succeeded");
  const late = sluice.jobs.stream(job, { lastEventId: `${ids.at(-1)}` });
  expect((await late.next()).done).toBe(true);
});

test("fifty equal submissions at once make one job", async () => {
  const submit = () => sluice.jobs.submit(chat(50), { idempotencyKey: "fifty" });
  const jobs = await Promise.all(Array.from({ length: 50 }, submit));
  expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
});

test("a job can be cancelled, looked into and judged", async () => {
  const stuck = await sluice.jobs.submit(chat(1, "never"));
  await expect(sluice.jobs.wait(stuck, { timeoutMs: 100 })).rejects.toMatchObject({ jobId: stuck.id });
  expect(await sluice.jobs.cancel(stuck)).toMatchObject({
    status: "cancelled",
    error: { code: "job_cancelled" },
  });
  const done = await sluice.jobs.run<{ object: string }>(chat(2));
  expect(resultOf(done).object).toBe("chat.completion");
  await expect(sluice.jobs.cancel(done)).rejects.toMatchObject({ status: 409, code: "already_ended" });
  const feedback = await sluice.jobs.feedback(done, { score: 0.8, labels: ["short"] });
  expect(feedback).toMatchObject({ job_id: done.id, score: 0.8, labels: ["short"] });
  const [attempt, ...others] = await sluice.jobs.attempts(done);
  expect(others).toEqual([]);
  expect(attempt).toEqual({
    object: "job.attempt",
    number: 1,
    target: "quick",
    worker: expect.any(String),
    started_at: expect.any(String),
    ended_at: expect.any(String),
    outcome: "succeeded",
    status_code: 200,
    latency_ms: expect.any(Number),
    first_token_ms: null,
    usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    cost_usd: expect.any(Number),
  });
  expect(await sluice.jobs.route(done)).toMatchObject({ chosen: "quick", dry_run: false });
  expect(await sluice.jobs.preview(chat(3))).toMatchObject({ chosen: "quick", dry_run: true });
  await expect(sluice.jobs.submit(chat(4, "unknown"))).rejects.toMatchObject({
    status: 400,
    code: "unknown_model",
    param: "body.model",
    requestId: expect.stringMatching(/^req_/),
  });
});

test("the receiver of the example hears of each job once, with its result", async () => {
  const { secret } = (await cluster.api.get("/v1/webhook_secret")).body;
  const heard = new Map<string, EndedJob>();
  const twice = Promise.withResolvers<void>();
  let tries = 0;
  const receiver = createReceiver({
    sluice,
    secret,
    onJob(job) {
      tries += 1;
      // The first is not handled, so it comes again.
      if (tries === 1) throw new Error("not now");
      heard.set(job.id, job);
      if (heard.size === 2) twice.resolve();
    },
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
  onTestFinished(() => void receiver.close());
  const jobs = await Promise.all(
    [1, 2].map((index) => sluice.jobs.submit(chat(index, "auto", { webhook_url: url }))),
  );
  await twice.promise;
  expect([...heard.keys()].sort()).toEqual(jobs.map(({ id }) => id).sort());
  for (const job of heard.values()) expect(resultOf(job)).toMatchObject({ object: "chat.completion" });
  const forged = await fetch(url, {
    method: "POST",
    headers: { "webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" },
    body: "{}",
  });
  expect(forged.status).toBe(400);
  const deliveries = async () => (await cluster.api.get("/v1/webhook_deliveries")).body.data;
  const [first] = await deliveries();
  const { id } = (await cluster.api.post(`/v1/webhook_deliveries/${first.id}/redeliver`)).body;
  await until("the event is delivered again", async () => {
    const again = (await deliveries()).find((delivery: { id: string }) => delivery.id === id);
    return again?.status === "succeeded" ? again : undefined;
  });
  expect(tries).toBe(3);
});

test.each([
  ["7.55", OpenAI],
  ["6.49", OpenAI6 as unknown as typeof OpenAI],
])(
  "the openai client %s waits for its place in the queue, and gets what it always got",
  async (version, Client) => {
    const openai = queued(new Client({ apiKey: "not used" }), { sluice, metadata: { client: version } });
    const params = {
      model: "auto",
      messages: [{ role: "user" as const, content: "Name a river." }],
      max_tokens: 20,
    };
    const completion = await openai.chat.completions.create(params, asJob({ priority: 3 }));
    expect(completion).toMatchObject({
      object: "chat.completion",
      usage: { completion_tokens: expect.any(Number) },
    });
    expect(completion.choices[0]?.message.content).not.toBe("");
    const job = await sluice.jobs.get(completion._request_id ?? "");
    expect(job).toMatchObject({ status: "succeeded", priority: 3, metadata: { client: version } });
    const submitted = await openai.chat.completions.submit(params);
    expect(submitted.status).toBe("queued");
    expect(resultOf(await sluice.jobs.wait(submitted)).choices).toHaveLength(1);
    const response = await openai.responses.create({ model: "auto", input: "Name a river." });
    expect(response).toMatchObject({ object: "response", status: "completed" });
    expect(response.output_text).not.toBe("");
    const { data } = await openai.embeddings.create({ model: "auto", input: ["a", "b"] });
    expect(data.map(({ embedding }) => embedding.length > 0)).toEqual([true, true]);
    const refused = {
      ...params,
      messages: [{ role: "user" as const, content: "[[sim:400]] Name a river." }],
    };
    await expect(openai.chat.completions.create(refused)).rejects.toBeInstanceOf(Client.BadRequestError);
    await expect(openai.chat.completions.create({ ...params, model: "unknown" })).rejects.toMatchObject({
      code: "unknown_model",
    });
  },
);

/** Runs a snippet as a program of its own, and answers its exit code with what it printed. */
async function run(folder: string, { name, code }: Snippet) {
  writeFileSync(join(folder, `${name}.ts`), code);
  const env = { ...process.env, SLUICE_URL: cluster.url, SLUICE_API_KEY: adminKey };
  const child = spawn(process.execPath, [`${name}.ts`], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [printed, failed, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { name, exit, printed, failed };
}

test("the snippets of the README that say so run as they stand", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-snippets-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules/@sluice"), { recursive: true });
  symlinkSync(
    join(import.meta.dirname, "../../packages/client"),
    join(folder, "node_modules/@sluice/client"),
  );
  symlinkSync(join(import.meta.dirname, "../node_modules/openai"), join(folder, "node_modules/openai"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const snippets = readmeSnippets().filter(({ runs }) => runs);
  expect(snippets.length).toBeGreaterThanOrEqual(4);
  const ran = await Promise.all(snippets.map((snippet) => run(folder, snippet)));
  expect(ran.filter(({ exit, printed, failed }) => exit !== 0 || printed === "" || failed !== "")).toEqual(
    [],
  );
});

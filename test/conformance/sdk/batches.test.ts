import type OpenAI from "openai";
import { toFile } from "openai";
import type { Batch } from "openai/resources/batches";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { batchLine, promptLines, readResults, toJsonl, untilEnded } from "../../e2e/kit/batches.ts";
import { startTestCluster, type TestCluster } from "../../e2e/kit/cluster.ts";
import { addTenant } from "../../e2e/kit/second-tenant.ts";
import { until } from "../../e2e/kit/until.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../e2e/kit/webhook-receiver.ts";
import { checkOpenaiEvent, checkOpenaiValue } from "../../kit/check-openai.ts";
import { openaiCalls } from "./kit/calls.ts";
import { openaiClient, openaiVersions, type SdkClient } from "./kit/clients.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
  steady: { kind: simulator, ttft_ms: 60, tokens_per_second: 5000, concurrency: 4 }
  slow: { kind: simulator, ttft_ms: 4000, tokens_per_second: 1000 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b, price: { input: 1, output: 4 } }] }
  steady: { targets: [{ id: steady, provider: steady, model: sim-30b, price: { input: 1, output: 4 } }] }
  slow: { targets: [{ id: slow, provider: slow, model: sim-70b }] }
models:
  auto: { pools: [quick] }
  small: { pools: [quick] }
  steady: { pools: [steady] }
  slow: { pools: [slow] }
sla_classes:
  standard: { deadline: 15m, default: true }
  batch: { deadline: 24h }
  night: { deadline: 24h }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

let cluster: TestCluster;
let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  cluster = await startTestCluster({ config });
});
afterAll(async () => {
  await cluster?.stop();
  receiver?.close();
});

const chat = "/v1/chat/completions";
const forBatch = { endpoint: chat, completion_window: "24h" } as const;

async function upload(openai: OpenAI, lines: readonly unknown[]): Promise<string> {
  const file = await toFile(Buffer.from(toJsonl(lines)), "input.jsonl");
  return (await openai.files.create({ file, purpose: "batch" })).id;
}

/** Fields that the client's types do not have. */
const extra = (fields: object) => fields as object;

describe.each(openaiVersions)("the client of version %s", (version) => {
  let client: SdkClient<OpenAI>;
  let openai: OpenAI;
  beforeAll(() => {
    client = openaiClient(version, cluster.url);
    openai = client.sdk;
  });

  test("walks a list of more than three pages to its end, newest first", async () => {
    const input_file_id = await upload(openai, promptLines(1, { model: "auto" }));
    const made: string[] = [];
    for (let count = 0; count < 7; count += 1)
      made.push((await openai.batches.create({ input_file_id, ...forBatch })).id);
    const listed: string[] = [];
    let pages = 0;
    for await (const page of (await openai.batches.list({ limit: 2 })).iterPages()) {
      pages += 1;
      listed.push(...page.data.map(({ id }) => id));
    }
    expect(pages).toBeGreaterThan(3);
    expect(listed.slice(0, made.length)).toEqual(made.toReversed());
    expect(new Set(listed).size).toBe(listed.length);
    const rest = await openai.batches.list({ limit: 100, after: made[0] ?? "" });
    expect(rest.data.map(({ id }) => id)).toEqual(listed.slice(made.length));
    for (const query of [{ limit: 0 }, { limit: 101 }, { after: "file-7" }, extra({ order: "asc" })])
      await expect(openai.batches.list(query)).rejects.toMatchObject({
        status: 400,
        param: Object.keys(query)[0],
      });
  });

  test("reads a batch from its creation to its end, every field of it", async () => {
    const metadata = { night: "28", empty: "" };
    const created = await openai.batches.create({
      input_file_id: await upload(openai, promptLines(3, { model: "auto" })),
      ...forBatch,
      metadata,
      output_expires_after: { anchor: "created_at", seconds: 3_600 },
    });
    const absent = ["failed_at", "expired_at", "cancelling_at", "cancelled_at", "model", "errors"];
    expect(created).toMatchObject({
      object: "batch",
      status: "validating",
      metadata,
      ...forBatch,
      request_counts: { total: 0, completed: 0, failed: 0 },
      usage: { total_tokens: 0 },
      ...Object.fromEntries(
        [...absent, "in_progress_at", "finalizing_at", "completed_at", "output_file_id"].map((key) => [
          key,
          null,
        ]),
      ),
    });
    expect((created.expires_at ?? 0) - created.created_at).toBe(86_400);
    const batch = await untilEnded(openai, created.id);
    expect(batch).toMatchObject({ status: "completed", error_file_id: null });
    expect(batch).toMatchObject(Object.fromEntries(absent.map((key) => [key, null])));
    const times = [batch.created_at, batch.in_progress_at, batch.finalizing_at, batch.completed_at];
    expect(times).toEqual(times.map((at) => at ?? Number.NaN).toSorted((a, b) => a - b));
    const file = await openai.files.retrieve(batch.output_file_id ?? "");
    expect((file.expires_at ?? 0) - file.created_at).toBe(3_600);
    expect(file.created_at).toBe(batch.finalizing_at);
  });

  test("cancels a batch: calls in flight end, the other lines are in the error file", async () => {
    const input_file_id = await upload(openai, promptLines(60, { model: "slow" }));
    const before = (await cluster.simulators["slow"]?.stats())?.calls ?? 0;
    const created = await openai.batches.create({ input_file_id, ...forBatch });
    await until("its first calls are in flight", async () =>
      ((await cluster.simulators["slow"]?.stats())?.in_flight ?? 0) > 0 ? true : undefined,
    );
    expect(["cancelling", "cancelled"]).toContain((await openai.batches.cancel(created.id)).status);
    const batch = await untilEnded(openai, created.id);
    const calls = ((await cluster.simulators["slow"]?.stats())?.calls ?? Number.NaN) - before;
    expect(batch).toMatchObject({
      status: "cancelled",
      request_counts: { total: 60, completed: calls, failed: 0 },
    });
    const { output, errors } = await readResults(openai, batch);
    expect([output.length, errors.length]).toEqual([calls, 60 - calls]);
    expect(new Set(errors.map((line) => line.error?.code))).toEqual(new Set(["batch_cancelled"]));
    expect(batch.cancelled_at).toBeGreaterThanOrEqual(batch.cancelling_at ?? Number.NaN);
    expect((await openai.batches.cancel(created.id)).status).toBe("cancelled");
  });

  test("every call of the table was made", () => {
    expect(client.missing(openaiCalls.batches)).toEqual([]);
  });
});

test("counts, usage and files agree at every moment, and never go back", async () => {
  const { sdk: openai } = openaiClient("7.55", cluster.url);
  const lines = promptLines(160, { model: "steady" }).map((line, index) =>
    index % 8 === 3 ? batchLine(line.custom_id, { model: "steady", content: `[[sim:400]] ${index}` }) : line,
  );
  const created = await openai.batches.create({ input_file_id: await upload(openai, lines), ...forBatch });
  const tokensOf = (batch: Batch) => batch.usage?.total_tokens ?? Number.NaN;
  let before: Batch = created;
  let looks = 0;
  for (; before.status === "validating" || before.status === "in_progress"; looks += 1) {
    const { output, errors } = await readResults(openai, before);
    const after = await openai.batches.retrieve(created.id);
    const spent = output.reduce((sum, { response }) => sum + response?.body.usage.total_tokens, 0);
    const between = (value: number, least: number, most: number) => {
      expect(value).toBeGreaterThanOrEqual(least);
      expect(value).toBeLessThanOrEqual(most);
    };
    const counts = { before: before.request_counts, after: after.request_counts };
    between(output.length, counts.before?.completed ?? 0, counts.after?.completed ?? 0);
    between(spent, tokensOf(before), tokensOf(after));
    // Of a file that did not exist yet nothing was read.
    if (before.error_file_id) between(errors.length, counts.before?.failed ?? 0, counts.after?.failed ?? 0);
    expect((counts.after?.completed ?? 0) + (counts.after?.failed ?? 0)).toBeLessThanOrEqual(160);
    before = after;
  }
  expect(looks).toBeGreaterThan(5);
  expect(before).toMatchObject({
    status: "completed",
    request_counts: { total: 160, completed: 140, failed: 20 },
  });
  const { output, errors } = await readResults(openai, before);
  expect([output.length, errors.length]).toEqual([140, 20]);
  const sum = (key: string) =>
    output.reduce((total, { response }) => total + Number(response?.body.usage[key]), 0);
  expect(before.usage).toEqual({
    input_tokens: sum("prompt_tokens"),
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: sum("completion_tokens"),
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: sum("total_tokens"),
  });
  for (const id of [before.output_file_id, before.error_file_id]) {
    const file = await openai.files.retrieve(id ?? "");
    expect((await (await openai.files.content(file.id)).arrayBuffer()).byteLength).toBe(file.bytes);
  }
});

test.each([
  ["/v1/responses", { input: "Name three rivers." }, "Response"],
  ["/v1/embeddings", { input: ["one", "two"] }, "CreateEmbeddingResponse"],
  ["/v1/completions", { prompt: "Three rivers:" }, "CreateCompletionResponse"],
  ["/v1/moderations", { input: "Rivers are wet." }, "CreateModerationResponse"],
  [chat, { messages: [{ role: "user", content: "Name three rivers." }] }, "CreateChatCompletionResponse"],
] as const)(
  "a batch for %s may mix models, and its results are what the endpoint answers",
  async (endpoint, body, schema) => {
    const { sdk: openai } = openaiClient("7.55", cluster.url);
    const lines = ["auto", "small", "steady"].map((model) => ({
      custom_id: model,
      method: "POST",
      url: endpoint,
      body: { model, ...body },
    }));
    const input_file_id = await upload(openai, lines);
    const created = await openai.batches.create({ input_file_id, endpoint, completion_window: "24h" });
    const batch = await untilEnded(openai, created.id);
    expect(batch.request_counts).toEqual({ total: 3, completed: 3, failed: 0 });
    const { output } = await readResults(openai, batch);
    expect(output.map(({ custom_id }) => custom_id).toSorted()).toEqual(["auto", "small", "steady"]);
    for (const { response } of output) checkOpenaiValue(schema, response?.body);
  },
);

test("headers tag a batch that the client creates, and each ending sends the event that OpenAI describes", async () => {
  const { sdk: openai } = openaiClient("7.55", cluster.url);
  const create = async (lines: readonly unknown[], headers: Record<string, string> = {}) => {
    const input_file_id = await upload(openai, lines);
    const tags = { "x-sluice-webhook-url": receiver.url, ...headers };
    return openai.batches.create({ input_file_id, ...forBatch }, { headers: tags });
  };
  const tagged = { "x-sluice-sla": "night", "x-sluice-priority": "3", "x-sluice-deadline": "3s" };
  const expiring = await create(promptLines(40, { model: "slow" }), tagged);
  expect(expiring).toMatchObject({ sla: "night", priority: 3, completion_window: "24h" });
  expect((expiring.expires_at ?? 0) - expiring.created_at).toBeLessThanOrEqual(4);
  const cancelling = await create(promptLines(1, { model: "slow" }));
  await openai.batches.cancel(cancelling.id);
  const made = {
    "batch.expired": expiring,
    "batch.cancelled": cancelling,
    "batch.failed": await create(["no object"]),
    "batch.completed": await create(promptLines(1, { model: "auto" })),
  };
  const secret = (await cluster.api.get("/v1/webhook_secret")).body.secret;
  for (const [type, { id }] of Object.entries(made)) {
    const { body, headers } = await until(`${type} arrives`, async () =>
      receiver.received.find((webhook) => webhook.body.includes(id)),
    );
    checkOpenaiEvent(JSON.parse(body));
    expect(await openai.webhooks.unwrap(body, headers, secret)).toMatchObject({ type, data: { id } });
  }
  const expired = await openai.batches.retrieve(expiring.id);
  expect(expired.expired_at).toBeGreaterThanOrEqual(expired.expires_at ?? Number.NaN);
  const { errors } = await readResults(openai, expired);
  expect(errors.length).toBe(expired.request_counts?.failed);
  expect(errors[0]?.error).toEqual({
    code: "batch_expired",
    message: "This request could not be executed before the completion window expired.",
  });
  const failed = await openai.batches.retrieve(made["batch.failed"].id);
  expect(failed.errors?.data).toMatchObject([{ code: "invalid_json", line: 1, param: null }]);
});

test("a retry runs the lines that did not succeed and no other, though the file is gone", async () => {
  const { sdk: openai } = openaiClient("7.55", cluster.url);
  const calls = async () => (await cluster.simulators["quick"]?.stats())?.calls ?? Number.NaN;
  const lines = promptLines(12, { model: "auto" }).map((line, index) =>
    index % 4 === 1
      ? batchLine(line.custom_id, { model: "auto", content: `[[sim:400*1]] ${index}: name three rivers.` })
      : line,
  );
  const input_file_id = await upload(openai, lines);
  const created = await openai.batches.create({ input_file_id, ...forBatch, metadata: { night: "28" } });
  const early = await cluster.api.post("/v1/batches", { retry_of: created.id });
  expect([early.status, early.body.error.code, early.body.error.param]).toEqual([
    409,
    "not_ended",
    "retry_of",
  ]);
  const first = await untilEnded(openai, created.id);
  expect(first.request_counts).toEqual({ total: 12, completed: 9, failed: 3 });
  await openai.files.delete(input_file_id);
  await openai.files.delete(first.error_file_id ?? "");
  const before = await calls();
  const answer = await cluster.api.post("/v1/batches", { retry_of: created.id });
  expect(answer.body).toMatchObject({
    status: "validating",
    retry_of: created.id,
    input_file_id,
    metadata: { night: "28" },
  });
  checkOpenaiValue("Batch", answer.body);
  const retry = await untilEnded(openai, String(answer.body.id));
  expect(retry.request_counts).toEqual({ total: 3, completed: 3, failed: 0 });
  expect(await calls()).toBe(before + 3);
  const { output } = await readResults(openai, retry);
  expect(output.map(({ custom_id }) => custom_id)).toEqual(["line-1", "line-5", "line-9"]);
  expect(await openai.batches.retrieve(created.id)).toMatchObject({ retried_as: retry.id });
  const again = await cluster.api.post("/v1/batches", { retry_of: created.id });
  expect([again.status, again.body.error.code]).toEqual([409, "already_retried"]);
  const needless = await cluster.api.post("/v1/batches", { retry_of: retry.id });
  expect([needless.status, needless.body.error.code]).toEqual([400, "nothing_to_retry"]);
  const stranger = await addTenant(cluster, "stranger");
  expect((await stranger.post("/v1/batches", { retry_of: created.id })).status).toBe(404);
});

test("a longer file that resumes a batch calls only for lines that are new, changed or failed", async () => {
  const { sdk: openai } = openaiClient("7.55", cluster.url);
  const calls = async () => (await cluster.simulators["quick"]?.stats())?.calls ?? Number.NaN;
  const lines = promptLines(30, { model: "auto", maxTokens: 20 });
  const bad = batchLine("line-7", { model: "auto", content: "[[sim:400*1]] Name three seas." });
  const [changed] = promptLines(1, { model: "auto", maxTokens: 21 });
  const earlier = await openai.batches.create({
    input_file_id: await upload(
      openai,
      lines.slice(0, 20).map((line, index) => (index === 7 ? bad : line)),
    ),
    ...forBatch,
  });
  const first = await untilEnded(openai, earlier.id);
  expect(first.request_counts).toEqual({ total: 20, completed: 19, failed: 1 });
  const before = await calls();
  const input_file_id = await upload(
    openai,
    [...lines.slice(1, 30), changed].map((line) => (line?.custom_id === "line-7" ? bad : line)),
  );
  const resume = { input_file_id, ...forBatch, ...extra({ resume_from: earlier.id }) };
  const batch = await untilEnded(openai, (await openai.batches.create(resume)).id);
  expect(batch).toMatchObject({
    resume_from: earlier.id,
    request_counts: { total: 30, completed: 30, failed: 0 },
  });
  // 18 succeeded as they stand; one failed, one has changed, ten are new.
  expect(await calls()).toBe(before + 12);
  const { output } = await readResults(openai, batch);
  const carried = output.filter((line) => "carried_from" in line);
  expect([output.length, carried.length]).toEqual([30, 18]);
  const old = new Map(
    (await readResults(openai, first)).output.map((line) => [line.custom_id, line.response?.body]),
  );
  for (const { custom_id, response } of carried) expect(response?.body).toEqual(old.get(custom_id));
  const paid = output.filter((line) => !("carried_from" in line));
  expect(batch.usage?.total_tokens).toBe(
    paid.reduce((sum, { response }) => sum + Number(response?.body.usage.total_tokens), 0),
  );
  const file = await openai.files.retrieve(batch.output_file_id ?? "");
  expect((await (await openai.files.content(file.id)).arrayBuffer()).byteLength).toBe(file.bytes);
  const whole = await openai.batches.create({ ...resume, ...extra({ resume_from: batch.id }) });
  expect(await untilEnded(openai, whole.id)).toMatchObject({
    status: "completed",
    request_counts: { total: 30, completed: 30 },
    usage: { total_tokens: 0 },
  });
  expect(await calls()).toBe(before + 12);
  const stranger = await addTenant(cluster, "stranger");
  const theirs = await stranger.upload(toJsonl(lines));
  const refused = await stranger.post("/v1/batches", { ...resume, input_file_id: theirs });
  expect([refused.status, refused.body.error.param]).toEqual([404, "resume_from"]);
});

test("no batch of a tenant can be seen or touched by another", async () => {
  const { sdk: openai } = openaiClient("7.55", cluster.url);
  const stranger = await addTenant(cluster, "stranger");
  const input_file_id = await upload(openai, promptLines(1, { model: "auto" }));
  const { id } = await openai.batches.create({ input_file_id, ...forBatch });
  const answers = [
    await stranger.get(`/v1/batches/${id}`),
    await stranger.post(`/v1/batches/${id}/cancel`),
    await stranger.post("/v1/batches", { input_file_id, ...forBatch }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  expect((await stranger.get("/v1/batches")).body.data).toEqual([]);
  expect((await stranger.get(`/v1/batches?after=${id}`)).body.data).toEqual([]);
});

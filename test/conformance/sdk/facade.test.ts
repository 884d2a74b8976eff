import type Anthropic from "anthropic-1";
import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "../../e2e/kit/cluster.ts";
import { anthropicCalls, openaiCalls } from "./kit/calls.ts";
import {
  anthropicClient,
  anthropicVersions,
  openaiClient,
  openaiVersions,
  type SdkClient,
} from "./kit/clients.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
  slow: { kind: simulator, ttft_ms: 3000, tokens_per_second: 1000 }
pools:
  quick:
    targets:
      - id: quick
        provider: quick
        model: sim-8b
        endpoints:
          [/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/moderations, /v1/messages, /v1/responses]
  slow: { targets: [{ id: slow, provider: slow, model: sim-70b }] }
models:
  quick: { pools: [quick] }
  slow: { pools: [slow] }
  third: { pools: [quick] }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

const messages = [{ role: "user" as const, content: "Name three rivers." }];
const models = ["quick", "slow", "third"];

async function countJobs(model: string): Promise<number> {
  return (await cluster.api.get(`/v1/jobs?model=${model}&limit=100`)).body.data.length;
}

describe.each(openaiVersions)("the client of OpenAI, version %s", (version) => {
  let client: SdkClient<OpenAI>;
  let openai: OpenAI;
  beforeAll(() => {
    client = openaiClient(version, cluster.url);
    openai = client.sdk;
  });

  test("gets completions, embeddings and moderations, each for a job", async () => {
    const chat = openai.chat.completions.create({ model: "quick", messages, max_tokens: 30 });
    const { data, response, request_id } = await chat.withResponse();
    expect(data.choices[0]?.message).toMatchObject({ role: "assistant", content: expect.any(String) });
    const job = (await cluster.api.get(`/v1/jobs/${response.headers.get("x-sluice-job-id")}`)).body;
    expect(job).toMatchObject({ status: "succeeded", sla: "standard", result: { body: { id: data.id } } });
    expect(request_id).toMatch(/^req_/);
    const completion = await openai.completions.create({ model: "quick", prompt: "Rivers:", max_tokens: 9 });
    expect(completion.choices[0]?.text).not.toBe("");
    const embeddings = await openai.embeddings.create({ model: "quick", input: ["Elbe", "Oder"] });
    expect(embeddings.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(typeof embeddings.data[0]?.embedding[0]).toBe("number");
    const moderation = await openai.moderations.create({ model: "quick", input: "Elbe" });
    expect(moderation.results).toHaveLength(1);
  });

  test("reads the aliases as models", async () => {
    const listed: string[] = [];
    for await (const { id } of openai.models.list()) listed.push(id);
    expect(listed).toEqual(models);
    expect(await openai.models.retrieve("slow")).toEqual({
      id: "slow",
      object: "model",
      created: 0,
      owned_by: "sluice",
    });
    await expect(openai.models.retrieve("none")).rejects.toBeInstanceOf(
      (openai.constructor as typeof OpenAI).NotFoundError,
    );
  });

  test("is told by its own error classes, and buys no second job when its wait is over", async () => {
    const before = await countJobs("slow");
    const { retries } = client;
    const triesBefore = retries();
    const over = openai.chat.completions.create(
      { model: "slow", messages },
      { headers: { "x-sluice-wait": "0.2" } },
    );
    await expect(over).rejects.toMatchObject({ status: 408, code: "wait_over", type: "timeout_error" });
    expect([await countJobs("slow"), retries()]).toEqual([before + 1, triesBefore]);
    const unknown = openai.chat.completions.create({ model: "none", messages });
    await expect(unknown).rejects.toMatchObject({ status: 400, code: "unknown_model", param: "model" });
  });

  test("gives up by its own timeout, tries again by itself, and joins the job that it has made", async () => {
    const before = await countJobs("slow");
    const content = `Which version am I? ${version}`;
    const { data, response } = await openai.chat.completions
      .create({ model: "slow", messages: [{ role: "user", content }] }, { timeout: 1_000, maxRetries: 30 })
      .withResponse();
    expect(data.choices).toHaveLength(1);
    expect(response.headers.get("idempotent-replayed")).toBe("true");
    expect(await countJobs("slow")).toBe(before + 1);
  });

  test("has made every call of its table", () => {
    expect(client.missing(openaiCalls.facade)).toEqual([]);
  });
});

describe.each(anthropicVersions)("the client of Anthropic, version %s", (version) => {
  let client: SdkClient<Anthropic>;
  beforeAll(() => {
    client = anthropicClient(version, cluster.url);
  });

  test("gets a message for a job", async () => {
    const { data, response } = await client.sdk.messages
      .create({ model: "quick", messages, max_tokens: 30 })
      .withResponse();
    expect(data).toMatchObject({ type: "message", role: "assistant", content: [{ type: "text" }] });
    const job = (await cluster.api.get(`/v1/jobs/${response.headers.get("x-sluice-job-id")}`)).body;
    expect(job).toMatchObject({ status: "succeeded", endpoint: "/v1/messages" });
  });

  test("reads the aliases as models, page by page", async () => {
    const listed: string[] = [];
    for await (const { id, type } of client.sdk.models.list({ limit: 1 })) listed.push(`${type} ${id}`);
    expect(listed).toEqual(models.map((id) => `model ${id}`));
    expect(await client.sdk.models.retrieve("third")).toMatchObject({ id: "third", display_name: "third" });
    await expect(client.sdk.models.retrieve("none")).rejects.toMatchObject({
      status: 404,
      error: { type: "error", error: { type: "not_found_error" } },
    });
  });

  test("is told in its dialect when its wait is over, and does not try again", async () => {
    const before = await countJobs("quick");
    const over = client.sdk.messages.create(
      { model: "quick", messages, max_tokens: 30 },
      { headers: { "x-sluice-wait": "0" } },
    );
    await expect(over).rejects.toMatchObject({
      status: 408,
      error: { type: "error", error: { type: "timeout_error" } },
    });
    expect(await countJobs("quick")).toBe(before + 1);
  });

  test("has made every call of its table", () => {
    expect(client.missing(anthropicCalls.facade)).toEqual([]);
  });
});

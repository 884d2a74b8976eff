import type OpenAI from "openai";
import type { Response } from "openai/resources/responses/responses";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "../../e2e/kit/cluster.ts";
import { type MoodyUpstream, startMoodyUpstream } from "../../e2e/kit/moody-upstream.ts";
import { addTenant } from "../../e2e/kit/second-tenant.ts";
import { until } from "../../e2e/kit/until.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../e2e/kit/webhook-receiver.ts";
import { checkOpenaiEvent, checkOpenaiValue } from "../../kit/check-openai.ts";
import { openaiCalls } from "./kit/calls.ts";
import { openaiClient, openaiVersions, type SdkClient } from "./kit/clients.ts";

const config = (moody: string) => `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
  slow: { kind: simulator, ttft_ms: 6000, tokens_per_second: 1000 }
  moody: { kind: openai, base_url: "${moody}", api_key: sk-upstream }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
  slow: { targets: [{ id: slow, provider: slow, model: sim-70b }] }
  moody: { targets: [{ id: moody, provider: moody, model: moody, endpoints: [/v1/responses] }] }
models:
  quick: { pools: [quick] }
  slow: { pools: [slow] }
  moody: { pools: [moody] }
retry: { max_attempts: 1 }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

let moody: MoodyUpstream;
let receiver: WebhookReceiver;
let cluster: TestCluster;
beforeAll(async () => {
  moody = await startMoodyUpstream((body) => ({ status: body.includes("refused") ? 400 : 500 }));
  receiver = await startWebhookReceiver();
  cluster = await startTestCluster({ config: config(moody.url) });
});
afterAll(async () => {
  await cluster?.stop();
  receiver?.close();
  moody?.close();
});

/** The event that the receiver got of a response, checked by the client and against OpenAI's description. */
async function eventOf(openai: OpenAI, id: string) {
  const { body, headers } = await until(`the event of ${id} comes`, async () =>
    receiver.received.find((webhook) => webhook.body.includes(id)),
  );
  const secret = (await cluster.api.get("/v1/webhook_secret")).body.secret;
  const event = await openai.webhooks.unwrap(body, headers, secret);
  checkOpenaiEvent(event);
  return event;
}

describe.each(openaiVersions)("the client of version %s", (version) => {
  let client: SdkClient<OpenAI>;
  let openai: OpenAI;
  /** The error classes of this generation. */
  let errors: typeof OpenAI;
  beforeAll(() => {
    client = openaiClient(version, cluster.url);
    openai = client.sdk;
    errors = openai.constructor as typeof OpenAI;
  });

  const tagged = () => ({ headers: { "x-sluice-webhook-url": receiver.url } });

  function ended(response: Response): Promise<Response> {
    return until(`${response.id} ends`, async () => {
      const now = await openai.responses.retrieve(response.id);
      return now.status === "queued" || now.status === "in_progress" ? undefined : now;
    });
  }

  test("creates in the background, polls, and is told by a webhook", async () => {
    const asked = { input: "Name three rivers.", max_output_tokens: 4000, metadata: { night: "1" } };
    const created = await openai.responses.create(
      { model: "quick", ...asked, instructions: "Be brief.", temperature: 0.5, background: true },
      tagged(),
    );
    expect(created).toMatchObject({
      object: "response",
      background: true,
      metadata: { night: "1" },
      output: [],
    });
    expect(["queued", "in_progress"]).toContain(created.status);
    const done = await ended(created);
    expect(done).toMatchObject({
      id: created.id,
      created_at: created.created_at,
      status: "completed",
      background: true,
      instructions: "Be brief.",
      temperature: 0.5,
      max_output_tokens: 4000,
      metadata: { night: "1" },
    });
    expect(done.output_text).not.toBe("");
    expect(done.usage?.total_tokens).toBeGreaterThan(0);
    expect(await openai.responses.cancel(done.id)).toMatchObject({ id: done.id, status: "completed" });
    expect(await eventOf(openai, done.id)).toMatchObject({
      type: "response.completed",
      data: { id: done.id },
    });
    const job = (await cluster.api.get(`/v1/jobs/${done.id.replace("resp_", "job_")}`)).body;
    expect(job).toMatchObject({ status: "succeeded", endpoint: "/v1/responses" });
  });

  test("reads of an answer that was cut why, and is told", async () => {
    const cut = { model: "quick", input: "Name all rivers.", max_output_tokens: 1, background: true };
    const done = await ended(await openai.responses.create(cut, tagged()));
    expect(done).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
    expect(await eventOf(openai, done.id)).toMatchObject({ type: "response.incomplete" });
  });

  test("cancels, again and again with the same answer, and is told", async () => {
    const created = await openai.responses.create(
      { model: "slow", input: "Wait.", background: true },
      tagged(),
    );
    const cancelled = await openai.responses.cancel(created.id);
    expect(cancelled).toMatchObject({ id: created.id, status: "cancelled", error: null });
    expect(await openai.responses.cancel(created.id)).toEqual(cancelled);
    // The client adds `output_text` to what it retrieves.
    expect(await openai.responses.retrieve(created.id)).toMatchObject({ ...cancelled });
    expect(await eventOf(openai, created.id)).toMatchObject({ type: "response.cancelled" });
  });

  test("reads of a failure why, and is told", async () => {
    const create = (input: string) =>
      openai.responses.create({ model: "moody", input, background: true }, tagged());
    const dead = await ended(await create("broken"));
    expect(dead).toMatchObject({ status: "failed", error: { code: "server_error" }, output: [] });
    expect(dead.error?.message).toContain("attempts_exhausted");
    expect(await eventOf(openai, dead.id)).toMatchObject({ type: "response.failed" });
    const refused = await ended(await create("refused"));
    expect(refused).toMatchObject({
      status: "failed",
      error: { code: "invalid_prompt", message: "not now" },
    });
  });

  test("waits for a response, reads it later under the same id, and goes on from it", async () => {
    const first = await openai.responses.create({ model: "quick", input: "My name is Ann." });
    expect(first.id).toMatch(/^resp_/);
    expect(await openai.responses.retrieve(first.id)).toMatchObject({ id: first.id, output: first.output });
    const input = [{ role: "user" as const, content: "What is my name?" }];
    const second = await openai.responses.create({ model: "quick", input, previous_response_id: first.id });
    expect(await openai.responses.retrieve(second.id)).toMatchObject({ previous_response_id: first.id });
    const items: string[] = [];
    for await (const item of openai.responses.inputItems.list(second.id, { limit: 1, order: "asc" })) {
      checkOpenaiValue("ItemResource", item);
      items.push("role" in item ? item.role : item.type);
    }
    expect(items).toEqual(["user", "assistant", "user"]);
    const newest = await openai.responses.inputItems.list(second.id);
    expect(newest.data[0]).toMatchObject({ type: "message", content: [{ text: "What is my name?" }] });
    const tokens = async (more: object) =>
      (await openai.responses.inputTokens.count({ model: "quick", input, ...more })).input_tokens;
    expect(await tokens({ previous_response_id: first.id })).toBeGreaterThan(await tokens({}));
    const notBackground = openai.responses.cancel(first.id);
    await expect(notBackground).rejects.toBeInstanceOf(errors.BadRequestError);
  });

  test("deletes for good, one that has not ended too; one that was not to be stored never was", async () => {
    const live = await openai.responses.create({ model: "slow", input: "Wait.", background: true });
    await openai.responses.delete(live.id);
    const job = (await cluster.api.get(`/v1/jobs/${live.id.replace("resp_", "job_")}`)).body;
    expect(job.status).toBe("cancelled");
    const fleeting = await openai.responses.create({ model: "quick", input: "Hello", store: false });
    for (const id of [live.id, fleeting.id, "resp_nothing"]) {
      await expect(openai.responses.retrieve(id)).rejects.toBeInstanceOf(errors.NotFoundError);
      await expect(openai.responses.inputItems.list(id)).rejects.toBeInstanceOf(errors.NotFoundError);
      await expect(openai.responses.delete(id)).rejects.toBeInstanceOf(errors.NotFoundError);
    }
  });

  test("is refused, with the field, what is not served", async () => {
    const create = (more: object) => openai.responses.create({ model: "quick", input: "Hello", ...more });
    await expect(create({ conversation: "conv_1" })).rejects.toMatchObject({
      status: 400,
      param: "conversation",
    });
    await expect(create({ background: true, store: false })).rejects.toMatchObject({ param: "store" });
    const unknown = create({ previous_response_id: "resp_nothing" });
    await expect(unknown).rejects.toMatchObject({ status: 404, param: "previous_response_id" });
  });

  test("has made every call of its table", () => {
    expect(client.missing(openaiCalls.responses)).toEqual([]);
  });
});

test("another tenant's response is none, and a repeated call answers the same one", async () => {
  const other = await addTenant(cluster, "acme");
  const body = { model: "quick", input: "Mine.", background: true };
  const key = { "idempotency-key": "mine" };
  const { id } = (await cluster.api.post("/v1/responses", body, key)).body;
  expect((await cluster.api.post("/v1/responses", body, key)).body.id).toBe(id);
  expect((await other.get(`/v1/responses/${id}`)).status).toBe(404);
  expect((await other.post(`/v1/responses/${id}/cancel`)).status).toBe(404);
  const stolen = await other.post("/v1/responses", { ...body, previous_response_id: id });
  expect(stolen.status).toBe(404);
});

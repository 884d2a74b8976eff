import Anthropic0 from "anthropic-0";
import Anthropic1 from "anthropic-1";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "../../e2e/kit/cluster.ts";
import { until } from "../../e2e/kit/until.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../e2e/kit/webhook-receiver.ts";
import { anthropicCalls } from "./kit/calls.ts";
import { anthropicClient, anthropicVersions, type SdkClient } from "./kit/clients.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
  slow: { kind: simulator, ttft_ms: 4000, tokens_per_second: 1000, concurrency: 2 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b, endpoints: [/v1/messages, /v1/chat/completions] }] }
  slow: { targets: [{ id: slow, provider: slow, model: sim-70b, endpoints: [/v1/messages] }] }
models:
  auto: { pools: [quick] }
  slow: { pools: [slow] }
sla_classes:
  standard: { deadline: 15m, default: true }
  batch: { deadline: 24h }
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

type Request = Anthropic1.Messages.BatchCreateParams.Request;

function requestsOf(count: number, changes: Partial<Request["params"]> = {}): Request[] {
  return Array.from({ length: count }, (_, index) => ({
    custom_id: `request-${index}`,
    params: {
      model: "auto",
      max_tokens: 20,
      messages: [{ role: "user", content: `Question ${index}` }],
      ...changes,
    } as Request["params"],
  }));
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const classes = { "0.120": Anthropic0, "1.10": Anthropic1 } as const;

describe.each(anthropicVersions)("the client of version %s", (version) => {
  let client: SdkClient<Anthropic1>;
  let batches: Anthropic1["messages"]["batches"];
  const Sdk = classes[version] as unknown as typeof Anthropic1;
  beforeAll(() => {
    client = anthropicClient(version, cluster.url);
    batches = client.sdk.messages.batches;
  });

  /** Polls as Anthropic's documentation does. */
  const ended = (id: string) =>
    until(`message batch ${id} ends`, async () => {
      const batch = await batches.retrieve(id);
      return batch.processing_status === "ended" ? batch : undefined;
    });

  async function resultsOf(id: string) {
    const results = new Map<string, Anthropic1.Messages.MessageBatchResult>();
    for await (const { custom_id, result } of await batches.results(id)) results.set(custom_id, result);
    return results;
  }

  test("follows a batch from its creation to its results, every field of it", async () => {
    const created = await batches.create({ requests: requestsOf(5) });
    expect(created).toMatchObject({
      id: expect.stringMatching(/^msgbatch_[0-9a-f-]{36}$/),
      type: "message_batch",
      processing_status: "in_progress",
      request_counts: { processing: 5, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      created_at: expect.stringMatching(rfc3339),
      expires_at: expect.stringMatching(rfc3339),
      ended_at: null,
      cancel_initiated_at: null,
      archived_at: null,
      results_url: null,
    });
    expect(Date.parse(created.expires_at) - Date.parse(created.created_at)).toBe(24 * 3_600_000);
    const batch = await ended(created.id);
    expect(Object.keys(batch)).toEqual(Object.keys(created));
    expect(batch).toMatchObject({
      request_counts: { processing: 0, succeeded: 5, errored: 0, canceled: 0, expired: 0 },
      ended_at: expect.stringMatching(rfc3339),
      results_url: `${cluster.url}/v1/messages/batches/${created.id}/results`,
    });
    const results = await resultsOf(created.id);
    expect([...results.keys()].toSorted()).toEqual(requestsOf(5).map(({ custom_id }) => custom_id));
    expect([...results.values()]).toEqual(
      Array(5).fill({
        type: "succeeded",
        message: expect.objectContaining({
          type: "message",
          role: "assistant",
          content: [expect.objectContaining({ type: "text", text: expect.any(String) })],
          usage: expect.objectContaining({ output_tokens: expect.any(Number) }),
        }),
      }),
    );
  });

  test("is told of each request that cannot run, while the others run", async () => {
    const [good, unknown, speechless, endless] = requestsOf(4) as [Request, Request, Request, Request];
    const { id } = await batches.create({
      requests: [
        good,
        { ...unknown, params: { ...unknown.params, model: "gpt-\0" } },
        { ...speechless, params: { ...speechless.params, messages: [] } },
        { ...endless, params: { ...endless.params, max_tokens: undefined as unknown as number } },
      ],
    });
    const batch = await ended(id);
    expect(batch.request_counts).toMatchObject({ succeeded: 1, errored: 3 });
    const results = await resultsOf(id);
    expect(results.get(good.custom_id)).toMatchObject({ type: "succeeded" });
    const errored = (type: string, param: string) => ({
      type: "errored",
      error: {
        type: "error",
        error: { type, message: expect.any(String), details: { param } },
        request_id: null,
      },
    });
    expect(results.get(unknown.custom_id)).toMatchObject(errored("not_found_error", "model"));
    expect(results.get(speechless.custom_id)).toMatchObject(errored("invalid_request_error", "messages"));
    expect(results.get(endless.custom_id)).toMatchObject(errored("invalid_request_error", "max_tokens"));
  });

  test("walks a list of more than three pages to its end, newest first, and back", async () => {
    const made: string[] = [];
    for (let count = 0; count < 7; count += 1)
      made.push((await batches.create({ requests: requestsOf(1) })).id);
    const listed: string[] = [];
    let pages = 0;
    for await (const page of (await batches.list({ limit: 2 })).iterPages()) {
      pages += 1;
      listed.push(...page.data.map(({ id }) => id));
    }
    expect(pages).toBeGreaterThan(3);
    expect(listed.slice(0, made.length)).toEqual(made.toReversed());
    expect(new Set(listed).size).toBe(listed.length);
    const page = await batches.list({ limit: 2, before_id: made[0] ?? "" });
    expect(page.data.map(({ id }) => id)).toEqual([made[2], made[1]]);
    expect(page).toMatchObject({ has_more: true, first_id: made[2], last_id: made[1] });
    const back: string[] = [];
    for await (const { id } of batches.list({ limit: 2, before_id: made[3] ?? "" })) back.push(id);
    expect(back.toSorted()).toEqual(made.slice(4));
    const inOpenai = (await cluster.openai.batches.list({ limit: 100 })).data;
    expect(inOpenai).toEqual([]);
  });

  test("cancels what has not run, and reads how each request ended", async () => {
    const { id } = await batches.create({ requests: requestsOf(30, { model: "slow" }) });
    const canceling = await batches.cancel(id);
    expect(canceling).toMatchObject({
      processing_status: expect.stringMatching(/^(canceling|ended)$/),
      cancel_initiated_at: expect.stringMatching(rfc3339),
    });
    const batch = await ended(id);
    const { succeeded, errored, canceled } = batch.request_counts;
    expect([succeeded + canceled, errored]).toEqual([30, 0]);
    expect(canceled).toBeGreaterThan(20);
    expect(await batches.cancel(id)).toEqual(batch);
    const results = await resultsOf(id);
    expect(results.size).toBe(30);
    expect([...results.values()].filter(({ type }) => type === "canceled")).toHaveLength(canceled);
  });

  test("deletes an ended batch, and then nobody finds it or its results", async () => {
    const running = await batches.create({ requests: requestsOf(4, { model: "slow" }) });
    const early = batches.delete(running.id, undefined, { maxRetries: 5 });
    await expect(early).rejects.toMatchObject({ status: 409, error: { error: { type: "conflict_error" } } });
    await expect(batches.results(running.id)).rejects.toThrow(/No batch `results_url`/);
    await batches.cancel(running.id);
    const { results_url: url } = await ended(running.id);
    expect(await batches.delete(running.id)).toEqual({ id: running.id, type: "message_batch_deleted" });
    await expect(batches.retrieve(running.id)).rejects.toBeInstanceOf(Sdk.NotFoundError);
    await expect(batches.delete(running.id)).rejects.toBeInstanceOf(Sdk.NotFoundError);
    const answer = await fetch(url ?? "", { headers: { "x-api-key": client.sdk.apiKey ?? "" } });
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { type: "not_found_error" } }]);
    const jobs = await cluster.api.get(`/v1/jobs?batch_id=${running.id.replace("msgbatch", "batch")}`);
    expect(jobs.body.data).toEqual([]);
  });

  test("throws the error of its class, with the request's id, the field and the code", async () => {
    const bad = requestsOf(3);
    const faulty = bad.map((each, index) => ({
      ...each,
      ...(index === 2 ? { custom_id: "no spaces" } : {}),
    }));
    const refused = await batches.create({ requests: faulty }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Sdk.BadRequestError);
    expect(refused).toMatchObject({
      status: 400,
      requestID: expect.stringMatching(/^req_/),
      error: {
        type: "error",
        error: {
          type: "invalid_request_error",
          message: expect.stringContaining("requests.2.custom_id"),
          details: { error_code: "invalid_value", param: "requests.2.custom_id" },
        },
        request_id: expect.stringMatching(/^req_/),
      },
      ...(client.isNewer ? { errorCode: "invalid_value", type: "invalid_request_error" } : {}),
    });
    const stranger = anthropicClient(version, cluster.url, { apiKey: "sk-nobody", maxRetries: 0 }).sdk;
    await expect(stranger.messages.batches.list()).rejects.toBeInstanceOf(Sdk.AuthenticationError);
    const id = "msgbatch_01890000-0000-7000-8000-000000000000";
    await expect(batches.retrieve(id)).rejects.toBeInstanceOf(Sdk.NotFoundError);
    await expect(batches.retrieve("nothing")).rejects.toBeInstanceOf(Sdk.NotFoundError);
  });

  test("sees nothing of another tenant's", async () => {
    const { id } = await batches.create({ requests: requestsOf(1) });
    await ended(id);
    const apiKey = await otherTenantsKey(`other-${version.replace(".", "-")}`);
    const other = anthropicClient(version, cluster.url, { apiKey }).sdk.messages.batches;
    expect((await other.list()).data).toEqual([]);
    for (const call of [() => other.retrieve(id), () => other.cancel(id), () => other.delete(id)])
      await expect(call()).rejects.toBeInstanceOf(Sdk.NotFoundError);
    await expect(other.results(id)).rejects.toBeInstanceOf(Sdk.NotFoundError);
  });

  test("may call the beta of the API, which is the same", async () => {
    const beta = client.sdk.beta.messages.batches;
    const { id } = await beta.create({ requests: requestsOf(1) as never });
    await ended(id);
    expect(await beta.retrieve(id)).toMatchObject({ id, processing_status: "ended" });
    expect((await beta.list({ limit: 1 })).data).toHaveLength(1);
    for await (const { result } of await beta.results(id)) expect(result.type).toBe("succeeded");
    await beta.delete(id);
  });

  test("sends headers that tag a batch, and its receiver is told the id that the client knows", async () => {
    const headers = {
      "x-sluice-webhook-url": receiver.url,
      "x-sluice-deadline": "2h",
      "x-sluice-priority": "3",
    };
    const created = await batches.create({ requests: requestsOf(2) }, { headers });
    expect(Date.parse(created.expires_at) - Date.parse(created.created_at)).toBe(2 * 3_600_000);
    const event = await until("the webhook arrives", async () =>
      receiver.received.map(({ body }) => JSON.parse(body)).find(({ data }) => data.id === created.id),
    );
    expect(event).toMatchObject({ type: "batch.completed", data: { id: created.id, status: "completed" } });
  });

  test("made every call of the table", () => {
    expect(client.missing(anthropicCalls.messageBatches)).toEqual([]);
  });
});

/** A key of a tenant that has just been made. */
async function otherTenantsKey(id: string): Promise<string> {
  await cluster.api.post("/v1/tenants", { id });
  const { body } = await cluster.api.post("/v1/keys", { tenant: id, name: "test" });
  return String(body.key);
}

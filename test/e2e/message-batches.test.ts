import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiCaller } from "./kit/api-caller.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./kit/webhook-receiver.ts";

const path = "/v1/messages/batches";
const message =
  '{"id":"msg_1","type":"message","n":10000000000000000001,"content":[],"usage":{"input_tokens":3,"output_tokens":2}}';
const refusal =
  '{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too many"},"request_id":"req_up"}';

const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
let upstream: Server;
let receiver: WebhookReceiver;
let cluster: TestCluster;

const configOf = (port: number) => `
version: 1
providers:
  claude: { kind: anthropic, base_url: "http://127.0.0.1:${port}", api_key: sk-upstream }
pools:
  claude: { targets: [{ id: claude, provider: claude, model: claude-9 }] }
models:
  auto: { pools: [claude] }
limits: { message_batch_bytes: 200KB, message_batch_requests: 50, job_body_bytes: 100KB }
tenants:
  small: { limits: { enqueued_tokens: 100 } }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  upstream = createServer((request, response) => {
    void buffer(request).then((bytes) => {
      const body = bytes.toString();
      calls.push({ headers: request.headers, body });
      const isRefused = body.includes("refuse me");
      response
        .writeHead(isRefused ? 400 : 200, { "content-type": "application/json" })
        .end(isRefused ? refusal : message);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const env = { SLUICE_PUBLIC_URL: "https://sluice.example/base/" };
  cluster = await startTestCluster({ config: configOf(port), workers: 1, env });
});
afterAll(async () => {
  await cluster?.stop();
  upstream?.close();
  upstream?.closeAllConnections();
  receiver?.close();
});

const requestOf = (customId: string, content = "Hello") => ({
  custom_id: customId,
  params: { model: "auto", max_tokens: 5, messages: [{ role: "user", content }] },
});

async function create(body: unknown, headers: Record<string, string> = {}): Promise<string> {
  const answer = await cluster.api.post(path, body, headers);
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("msgbatch_")]);
  return String(answer.body.id);
}

async function untilEnded(id: string, api = cluster.api) {
  return until(`${id} ends`, async () => {
    const { body } = await api.get(`${path}/${id}`);
    return body.processing_status === "ended" ? body : undefined;
  });
}

async function resultsOf(id: string, api = cluster.api) {
  const { status, text, headers } = await api.get(`${path}/${id}/results`);
  expect([status, headers.get("content-type")]).toEqual([200, "application/x-jsonl"]);
  return text.trimEnd().split("\n");
}

describe("requests and results", () => {
  test("go up and come back byte by byte, but for the model's name", async () => {
    const odd =
      '{ "model" : "auto",\n "max_tokens": 5, "n" : 10000000000000000001,\r\n\t"messages":[{"role":"user","content":"\\u00e9 €"}] }';
    const from = calls.length;
    const id = await create(`{"requests":[{"params":${odd},"custom_id":"odd"}]}`);
    await untilEnded(id);
    expect(await resultsOf(id)).toEqual([
      `{"custom_id":"odd","result":{"type":"succeeded","message":${message}}}`,
    ]);
    const [call] = calls.slice(from);
    expect(call?.body).toBe(odd.replace('"auto"', '"claude-9"'));
    expect(call?.headers).toMatchObject({
      "x-api-key": "sk-upstream",
      "anthropic-version": expect.any(String),
    });
  });

  test("are errored with what the upstream said, and stand beside those that succeeded", async () => {
    const id = await create({ requests: [requestOf("good"), requestOf("bad", "refuse me")] });
    const batch = await untilEnded(id);
    expect(batch.request_counts).toMatchObject({ succeeded: 1, errored: 1 });
    const [, bad] = await resultsOf(id);
    expect(JSON.parse(bad ?? "")).toEqual({
      custom_id: "bad",
      result: { type: "errored", error: JSON.parse(refusal) },
    });
  });

  test("are there for a batch whose requests had no room, each of them", async () => {
    const { body: key } = await cluster.api.post("/v1/keys", { tenant: "small", name: "test" });
    const api = createApiCaller({ url: cluster.url, key: String(key.key) });
    const requests = Array.from({ length: 40 }, (_, index) => requestOf(`c${index}`));
    const { body } = await api.post(path, { requests });
    const batch = await untilEnded(body.id, api);
    expect(batch.request_counts).toEqual({
      processing: 0,
      succeeded: 0,
      errored: 40,
      canceled: 0,
      expired: 0,
    });
    const results = (await resultsOf(body.id, api)).map((line) => JSON.parse(line));
    expect(results.map(({ custom_id }) => custom_id)).toEqual(requests.map(({ custom_id }) => custom_id));
    expect(results[0].result).toMatchObject({
      type: "errored",
      error: { error: { type: "rate_limit_error", details: { error_code: "token_limit_exceeded" } } },
    });
  });

  test("have an absolute URL at the public address; until the end there are none", async () => {
    const id = await create({ requests: [requestOf("a")] });
    const early = await cluster.api.get(`${path}/${id}/results`);
    if (early.status !== 200)
      expect(early.body).toMatchObject({ type: "error", error: { type: "conflict_error" } });
    expect((await untilEnded(id)).results_url).toBe(`https://sluice.example/base${path}/${id}/results`);
    const head = await fetch(`${cluster.url}${path}/${id}/results`, {
      method: "HEAD",
      headers: { "x-api-key": adminKey },
    });
    expect([head.status, head.headers.get("request-id")]).toEqual([200, expect.stringMatching(/^req_/)]);
  });
});

test("a call with an Idempotency-Key makes one batch; with another body it is refused", async () => {
  const headers = { "idempotency-key": "night-1" };
  const body = { requests: [requestOf("a"), requestOf("b")] };
  const answers = await Promise.all(Array.from({ length: 5 }, () => cluster.api.post(path, body, headers)));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(({ headers: each }) => each.get("idempotent-replayed") === "true")).toHaveLength(4);
  const other = await cluster.api.post(path, { requests: [requestOf("c")] }, headers);
  expect(other).toMatchObject({
    status: 422,
    body: { error: { details: { error_code: "idempotency_key_reused" } } },
  });
});

test("a full webhook has the message batch as its owner reads it", async () => {
  const endpoint = {
    name: "full",
    url: receiver.url,
    event_types: ["batch.completed"],
    webhook_payload: "full",
  };
  expect((await cluster.api.post("/v1/webhook_endpoints", endpoint)).status).toBe(200);
  const id = await create({ requests: [requestOf("a")] });
  const batch = await untilEnded(id);
  const event = await until("the webhook arrives", async () =>
    receiver.received.map(({ body }) => JSON.parse(body)).find(({ data }) => data.id === id),
  );
  expect(event).toMatchObject({ type: "batch.completed", data: batch });
});

describe("a body that is refused", () => {
  const good = JSON.stringify(requestOf("a"));
  const many = (count: number, content?: string) =>
    JSON.stringify({
      requests: Array.from({ length: count }, (_, index) => requestOf(`c${index}`, content)),
    });

  test.each<[string, string | Uint8Array<ArrayBuffer>, number, string, string | null]>([
    ["nothing", "", 400, "invalid_json", null],
    ["half of one", `{"requests":[${good}`, 400, "invalid_json", null],
    ["a number", "7", 400, "invalid_json", null],
    ["no requests", "{}", 400, "missing_required_parameter", "requests"],
    ["none of them", '{"requests":[]}', 400, "invalid_value", "requests"],
    [
      "invalid UTF-8",
      new Uint8Array([
        ...Buffer.from(`{"requests":[{"custom_id":"`),
        0xff,
        ...Buffer.from('","params":{}}]}'),
      ]),
      400,
      "invalid_json",
      "requests.0",
    ],
    [
      "a key of the prototype",
      `{"requests":[${good}],"__proto__":{}}`,
      400,
      "unknown_parameter",
      "__proto__",
    ],
    ["a deep one", `{"requests":[{"custom_id":"a","params":${"[".repeat(90_000)}`, 400, "invalid_json", null],
    [
      "a wrong id",
      `{"requests":[${good},{"custom_id":"a b","params":{}}]}`,
      400,
      "invalid_value",
      "requests.1.custom_id",
    ],
    ["an id twice", `{"requests":[${good},${good}]}`, 400, "invalid_value", "requests.1.custom_id"],
    [
      "a stream",
      good.replace(/^.*$/, '{"requests":[{"custom_id":"a","params":{"stream":true}}]}'),
      400,
      "invalid_value",
      "requests.0.params.stream",
    ],
    ["too many", many(51), 413, "payload_too_large", "requests"],
    ["a request that is too long", many(1, "x".repeat(110_000)), 413, "payload_too_large", "requests.0"],
    ["one that is too long", many(10, "x".repeat(30_000)), 413, "payload_too_large", null],
  ])("%s", async (_name, body, status, code, param) => {
    const types: Record<number, string> = { 400: "invalid_request_error", 413: "request_too_large" };
    const answer = await cluster.api.post(path, body);
    expect([answer.status, answer.body]).toMatchObject([
      status,
      {
        type: "error",
        error: { type: types[status], details: { error_code: code, param } },
        request_id: answer.headers.get("request-id"),
      },
    ]);
  });

  test("is refused in chunks as well, and the connection still answers", async () => {
    const chunks = async function* () {
      yield Buffer.from('{"requests":[');
      for (let count = 0; count < 400; count += 1)
        yield Buffer.from(
          `${count === 0 ? "" : ","}${JSON.stringify(requestOf(`c${count}`, "x".repeat(5_000)))}`,
        );
    };
    const body = ReadableStream.from(chunks());
    const headers = { "x-api-key": adminKey, "content-type": "application/json" };
    const init: RequestInit & { duplex: "half" } = { method: "POST", headers, body, duplex: "half" };
    const answer = await fetch(`${cluster.url}${path}`, init);
    expect([answer.status, (await answer.json()) as object]).toMatchObject([413, { type: "error" }]);
  });

  test("leaves nothing behind", async () => {
    const { body } = await cluster.api.get(`/v1/files`);
    expect(body.data).toEqual([]);
    const { body: page } = await cluster.api.get(`${path}?limit=1000`);
    for (const { request_counts: counts } of page.data)
      expect(Object.values<number>(counts).reduce((sum, each) => sum + each, 0)).toBeLessThan(3);
  });
});

test("everything under /v1/messages answers errors in Anthropic's words", async () => {
  const stranger = createApiCaller({ url: cluster.url, key: "sk-nobody-0123456789" });
  const [unknownKey, wrongType, nowhere, badUrl] = await Promise.all([
    stranger.get(path),
    cluster.api.post(path, "x", { "content-type": "text/plain" }),
    cluster.api.get("/v1/messages/no/such/path"),
    cluster.api.get(`${path}/%zz`),
  ]);
  const error = (type: string, code: string) => ({
    type: "error",
    error: { type, details: { error_code: code } },
  });
  expect([unknownKey?.status, unknownKey?.body]).toMatchObject([
    401,
    error("authentication_error", "invalid_api_key"),
  ]);
  expect([wrongType?.status, wrongType?.body]).toMatchObject([
    415,
    error("invalid_request_error", "unsupported_media_type"),
  ]);
  expect([nowhere?.status, nowhere?.body]).toMatchObject([404, error("not_found_error", "not_found")]);
  expect([badUrl?.status, badUrl?.body]).toMatchObject([404, error("not_found_error", "not_found")]);
  for (const { headers } of [unknownKey, wrongType, nowhere, badUrl])
    expect(headers.get("request-id")).toMatch(/^req_/);
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "./kit/api-caller.ts";
import { createApiCaller } from "./kit/api-caller.ts";
import { batchLine, promptLines, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { rawUpload } from "./kit/raw-upload.ts";

const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
pools:
  only:
    targets:
      - { id: only, provider: sim, model: sim-8b, endpoints: [/v1/chat/completions] }
models:
  auto: { pools: [only] }
tenants:
  default: { max_priority: 5 }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config, workers: 1 });
});
// The file's last word: whatever was asked above, no job was made and nothing was called.
afterAll(async () => {
  const { api, simulators } = cluster;
  const jobs = (await api.get("/v1/jobs")).body.data;
  const calls = (await simulators["sim"]?.stats())?.calls;
  await cluster.stop();
  expect(jobs).toEqual([]);
  expect(calls).toBe(0);
});

function expectRefusal(
  answer: Answer,
  wanted: { status: number; param: string | null; code?: string },
): void {
  const { status, param, code = expect.any(String) } = wanted;
  expect({ status: answer.status, body: answer.body }).toMatchObject({
    status,
    body: { error: { message: expect.any(String), type: expect.any(String), param, code } },
  });
  expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
}

const chat = "/v1/chat/completions";
const good = { model: "auto", messages: [{ role: "user", content: "Name three rivers." }] };
const job = (more: object) => ({ endpoint: chat, body: good, ...more });
const tooLong = (bytes: number) => ({ ...good, messages: [{ role: "user", content: "x".repeat(bytes) }] });

describe("POST /v1/jobs refuses", () => {
  test.each<[string, unknown, number, string | null]>([
    ["an empty object", {}, 400, "endpoint"],
    ["no endpoint", { body: good }, 400, "endpoint"],
    ["no body", { endpoint: chat }, 400, "body"],
    ["a body that is a list", job({ body: [good] }), 400, "body"],
    ["no model", job({ body: { messages: [] } }), 400, "body.model"],
    ["a model that is a number", job({ body: { ...good, model: 4 } }), 400, "body.model"],
    ["an unknown model", job({ body: { ...good, model: "gpt-9" } }), 400, "body.model"],
    [
      "a model named like a member of objects",
      job({ body: { ...good, model: "toString" } }),
      400,
      "body.model",
    ],
    ["a model named __proto__", job({ body: { ...good, model: "__proto__" } }), 400, "body.model"],
    ["a streamed answer", job({ body: { ...good, stream: true } }), 400, "body.stream"],
    ["an endpoint nobody serves", job({ endpoint: "/v1/embeddings" }), 400, "endpoint"],
    ["an unknown field", job({ urgency: 3 }), 400, "urgency"],
    ["an unknown field of routing", job({ routing: { pool: "only" } }), 400, "routing.pool"],
    ["a priority above 9", job({ priority: 10 }), 400, "priority"],
    ["a priority above the tenant's", job({ priority: 6 }), 400, "priority"],
    ["a priority in words", job({ priority: "high" }), 400, "priority"],
    ["an unknown SLA class", job({ sla: "someday" }), 400, "sla"],
    ["a deadline that is no time", job({ deadline: "soon" }), 400, "deadline"],
    ["no attempts", job({ max_attempts: 0 }), 400, "max_attempts"],
    ["metadata that is no text", job({ metadata: { night: 1 } }), 400, "metadata.night"],
    ["a webhook into a private network", job({ webhook_url: "https://10.0.0.7/hook" }), 400, "webhook_url"],
    ["a webhook without TLS", job({ webhook_url: "http://example.com/hook" }), 400, "webhook_url"],
    ["a webhook that is no URL", job({ webhook_url: "hook" }), 400, "webhook_url"],
    ["a body above the limit", job({ body: tooLong(16_000_000) }), 413, "body"],
    ["a request that is far above it", job({ body: tooLong(17_000_000) }), 413, null],
    ["a list", [job({})], 400, null],
    ["null", "null", 400, null],
    ["broken JSON", '{"endpoint": ', 400, null],
    ["JSON that is not UTF-8", Buffer.from('{"endpoint": "\xff"}', "latin1"), 400, null],
    ["two bodies", `{"endpoint":"${chat}","body":{"model":"auto"},"body":{"model":"auto"}}`, 400, "body"],
    ["two models", `{"endpoint":"${chat}","body":{"model":"auto","model":"auto"}}`, 400, "body.model"],
  ])("%s", async (_what, body, status, param) => {
    expectRefusal(await cluster.api.post("/v1/jobs", body), { status, param });
  });

  test("nothing at all, and what is not JSON", async () => {
    const { api } = cluster;
    expectRefusal(await api.post("/v1/jobs"), { status: 400, param: null });
    const asText = await api.post("/v1/jobs", JSON.stringify(job({})), { "content-type": "text/plain" });
    expectRefusal(asText, { status: 415, param: null });
  });

  test("headers that cannot be", async () => {
    const { api } = cluster;
    const tooUrgent = await api.post("/v1/jobs", job({}), { "x-sluice-priority": "10" });
    expectRefusal(tooUrgent, { status: 400, param: "x-sluice-priority" });
    const longKey = await api.post("/v1/jobs", job({}), { "idempotency-key": "k".repeat(256) });
    expectRefusal(longKey, { status: 400, param: "Idempotency-Key" });
  });
});

describe("a caller is refused", () => {
  test.each([
    ["GET", "/v1/jobs"],
    ["POST", "/v1/jobs"],
    ["POST", "/v1/files"],
    ["GET", "/v1/batches"],
  ])("without a key and with a wrong one: %s %s", async (method, path) => {
    const stranger = createApiCaller({ url: cluster.url, key: "sk-of-somebody-else-entirely" });
    const ask = (headers: Record<string, string>) =>
      method === "GET" ? stranger.get(path, headers) : stranger.post(path, job({}), headers);
    expectRefusal(await ask({}), { status: 401, param: null, code: "invalid_api_key" });
    expectRefusal(await ask({ authorization: "" }), { status: 401, param: null, code: "invalid_api_key" });
  });

  test.each([
    "/v1/jobs/job_01a1f9bb-75c5-7006-93a4-fd71de43e5c4",
    "/v1/jobs/nonsense",
    "/v1/jobs/job_01a1f9bb-75c5-7006-93a4-fd71de43e5c4/attempts",
    "/v1/batches/batch_01a1f9bb-75c5-7006-93a4-fd71de43e5c4",
    "/v1/batches/%00",
    "/v1/files/file-01a1f9bb-75c5-7006-93a4-fd71de43e5c4",
    "/v1/files/file-01a1f9bb-75c5-7006-93a4-fd71de43e5c4/content",
  ])("who asks for what is not there: %s", async (path) => {
    expectRefusal(await cluster.api.get(path), { status: 404, param: "id", code: "not_found" });
  });

  test("who asks for a path that is not there", async () => {
    expectRefusal(await cluster.api.get("/v1/nothing"), { status: 404, param: null, code: "not_found" });
  });

  test.each([
    ["/v1/jobs?limit=0", "limit"],
    ["/v1/jobs?limit=many", "limit"],
    ["/v1/jobs?order=up", "order"],
    ["/v1/jobs?status=asleep", "status"],
    ["/v1/jobs?status=constructor", "status"],
    ["/v1/jobs?batch_id=7", "batch_id"],
    ["/v1/jobs?after=7", "after"],
    ["/v1/jobs?colour=red", "colour"],
    ["/v1/batches?limit=101", "limit"],
    ["/v1/batches?after=7", "after"],
    ["/v1/files?order=up", "order"],
    ["/v1/files?after=7", "after"],
  ])("whose query is wrong: %s", async (path, param) => {
    expectRefusal(await cluster.api.get(path), { status: 400, param });
  });
});

describe("POST /v1/files refuses", () => {
  const upload = (parts: Record<string, Blob | string>) => {
    const form = new FormData();
    for (const [name, part] of Object.entries(parts)) form.append(name, part);
    return fetch(`${cluster.url}/v1/files`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminKey}` },
      body: form,
    });
  };
  const file = new Blob(["{}\n"]);

  test.each<[string, Record<string, Blob | string>, string]>([
    ["a file of no bytes", { purpose: "batch", file: new Blob([]) }, "file"],
    ["no file", { purpose: "batch" }, "file"],
    ["a file that is a text field", { purpose: "batch", file: "{}" }, "file"],
    ["no purpose", { file }, "purpose"],
    ["an unknown purpose", { purpose: "dinner", file }, "purpose"],
    ["a part with another name", { purpose: "batch", document: file }, "file"],
    [
      "a life that is too short",
      { purpose: "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "5", file },
      "expires_after[seconds]",
    ],
  ])("%s", async (_what, parts, param) => {
    const response = await upload(parts);
    expect({ status: response.status, body: await response.json() }).toMatchObject({
      status: 400,
      body: { error: { param } },
    });
  });

  test("what is no multipart body", async () => {
    expectRefusal(await cluster.api.post("/v1/files", { purpose: "batch" }), { status: 415, param: null });
  });

  test.each(["length", "chunked"] as const)("a file of 201 MB, sent %s", async (framing) => {
    const { url } = cluster;
    const answer = await rawUpload({ url, key: adminKey, fileBytes: 201_000_000, framing });
    expect({ ...answer, body: JSON.parse(answer.text) }).toMatchObject({
      status: 413,
      body: { error: { code: "payload_too_large", param: "file" } },
    });
  });

  test("a body that ends too early", async () => {
    const { url } = cluster;
    const answer = await rawUpload({
      url,
      key: adminKey,
      fileBytes: 10_000,
      framing: "chunked",
      truncated: true,
    });
    expect({ ...answer, body: JSON.parse(answer.text) }).toMatchObject({
      status: 400,
      body: { error: { code: "invalid_multipart" } },
    });
    expect((await cluster.api.get("/v1/files")).body.data).toEqual([]);
  });
});

describe("POST /v1/batches refuses", () => {
  test.each<[string, object, number, string]>([
    ["no file", { input_file_id: undefined }, 400, "input_file_id"],
    ["an unknown file", { input_file_id: "file-7" }, 404, "input_file_id"],
    ["an endpoint nobody serves", { endpoint: "/v1/embeddings" }, 400, "endpoint"],
    ["a window that is no duration", { completion_window: "soon" }, 400, "completion_window"],
    ["no window", { completion_window: undefined }, 400, "completion_window"],
    ["an unknown field", { urgency: 3 }, 400, "urgency"],
    ["a webhook into a private network", { webhook_url: "https://127.0.0.1/hook" }, 400, "webhook_url"],
    ["a priority above the tenant's", { priority: 9 }, 400, "priority"],
    ["a value of metadata that is too long", { metadata: { night: "x".repeat(513) } }, 400, "metadata.night"],
  ])("%s", async (_what, fields, status, param) => {
    const { api } = cluster;
    const input_file_id = await api.upload(toJsonl(promptLines(1, { model: "auto" })));
    const answer = await api.post("/v1/batches", {
      input_file_id,
      endpoint: chat,
      completion_window: "24h",
      ...fields,
    });
    expectRefusal(answer, { status, param });
  });
});

describe("a batch fails, and none of its lines runs, when its file has", () => {
  const line = (more: object = {}) =>
    JSON.stringify({ ...batchLine("b", { model: "auto", content: "Hello" }), ...more });
  const first = JSON.stringify(batchLine("a", { model: "auto", content: "Hello" }));

  test.each<[string, string, { code: string; line: number | null; param?: string | null }]>([
    ["a line that is no JSON", `${first}\n{oops\n`, { code: "invalid_json", line: 2 }],
    ["a line that is a list", `${first}\n[1]\n`, { code: "invalid_json", line: 2 }],
    ["a line that is cut off", `${first}\n${line().slice(0, -5)}`, { code: "invalid_json", line: 2 }],
    [
      "the same custom_id twice",
      `${first}\n\n${first}\n`,
      { code: "duplicate_custom_id", line: 3, param: "custom_id" },
    ],
    [
      "no custom_id",
      `${first}\n${line({ custom_id: undefined })}`,
      { code: "missing_required_parameter", line: 2, param: "custom_id" },
    ],
    [
      "an unknown model",
      `${first}\n${line({ body: { model: "gpt-9" } })}`,
      { code: "unknown_model", line: 2, param: "body.model" },
    ],
    [
      "a model named like a member of objects",
      `${line({ body: { model: "constructor" } })}`,
      { code: "unknown_model", line: 1, param: "body.model" },
    ],
    [
      "another url",
      `${first}\n${line({ url: "/v1/embeddings" })}`,
      { code: "invalid_value", line: 2, param: "url" },
    ],
    [
      "another method",
      `${first}\n${line({ method: "GET" })}`,
      { code: "invalid_value", line: 2, param: "method" },
    ],
    [
      "a body that is text",
      `${first}\n${line({ body: "Hello" })}`,
      { code: "invalid_value", line: 2, param: "body" },
    ],
    ["only blank lines", "\n  \n\r\n", { code: "empty_file", line: null }],
  ])("%s", async (_what, text, error) => {
    const { api, openai } = cluster;
    const batch = await untilEnded(openai, await startBatch(api, text));
    expect(batch).toMatchObject({ status: "failed", output_file_id: null, error_file_id: null });
    expect(batch.errors?.data).toEqual([expect.objectContaining(error)]);
  });

  test("more faults than are told: the first hundred are", async () => {
    const { api, openai } = cluster;
    const batch = await untilEnded(openai, await startBatch(api, "{oops\n".repeat(150)));
    expect(batch.errors?.data).toHaveLength(100);
    expect(batch.errors?.data?.at(-1)?.line).toBe(100);
  });
});

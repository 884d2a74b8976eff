import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiCaller } from "./kit/api-caller.ts";
import { promptLines, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "./kit/scripted-upstream.ts";
import { addTenant } from "./kit/second-tenant.ts";
import { until } from "./kit/until.ts";

/** An answer that no parser and serialiser would leave as it is. */
const exactAnswer =
  '{"id":"x", "object":"chat.completion","big":12345678901234567890,"twice":1,"twice":2.50,"text":"é \\u00e9 𝄞 \\ud834","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}';

const config = (upstream: string) => `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
  narrow: { kind: simulator, ttft_ms: 4000, tokens_per_second: 5000, concurrency: 1 }
  exact: { kind: openai, base_url: "${upstream}", api_key: sk-upstream }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b, price: { input: 1, output: 10 } }] }
  narrow: { targets: [{ id: narrow, provider: narrow, model: sim-70b }] }
  exact: { targets: [{ id: exact, provider: exact, model: the-model-of-the-upstream }] }
models:
  quick: { pools: [quick] }
  narrow: { pools: [narrow] }
  exact: { pools: [exact] }
`;

let upstream: ScriptedUpstream;
let cluster: TestCluster;
let api: ApiCaller;
beforeAll(async () => {
  upstream = await startScriptedUpstream(exactAnswer);
  cluster = await startTestCluster({ config: config(upstream.url) });
  api = cluster.api;
});
afterAll(async () => {
  await cluster?.stop();
  upstream.close();
});

const chat = "/v1/chat/completions";
const job = (model: string, more: object = {}) => ({
  endpoint: chat,
  body: { model, messages: [{ role: "user", content: "Name three rivers." }], max_tokens: 20 },
  ...more,
});

async function submit(body: unknown, caller = api): Promise<string> {
  const answer = await caller.post("/v1/jobs", body);
  expect(answer.status).toBe(202);
  return answer.body.id;
}

/** Submits a job and answers when it runs. */
async function submitRunning(model: string): Promise<string> {
  const id = await submit(job(model));
  await until(`${id} runs`, async () =>
    (await api.get(`/v1/jobs/${id}`)).body.status === "running" ? true : undefined,
  );
  return id;
}

/** Reads a job by long polls when it has ended. */
function ended(id: string) {
  return until(`${id} ends`, async () => {
    const { body } = await api.get(`/v1/jobs/${id}?wait=60`);
    return body.finished_at === undefined ? undefined : body;
  });
}

test("an accepted job is read with its deadline at once, and with result, usage and cost at its end", async () => {
  const accepted = await api.post("/v1/jobs", job("quick", { metadata: { night: "1" }, priority: 3 }));
  expect(accepted.status).toBe(202);
  expect(accepted.body).toMatchObject({
    object: "job",
    status: "queued",
    model: "quick",
    sla: "standard",
    priority: 3,
    metadata: { night: "1" },
  });
  const { created_at, deadline } = accepted.body;
  expect(Date.parse(deadline) - Date.parse(created_at)).toBe(15 * 60_000);
  const done = await ended(accepted.body.id);
  const { usage, object } = done.result.body;
  expect(object).toBe("chat.completion");
  expect(done).toMatchObject({
    status: "succeeded",
    target: "quick",
    attempts: 1,
    result: { status_code: 200 },
    usage: { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens },
  });
  const costUsd = (usage.prompt_tokens * 1 + usage.completion_tokens * 10) / 1_000_000;
  expect(done.usage.cost_usd).toBeCloseTo(costUsd, 12);
  const route = (await api.get(`/v1/jobs/${done.id}/route`)).body;
  expect(route).toMatchObject({ job_id: done.id, chosen: "quick", candidates: [{ target: "quick" }] });
});

describe("bytes", () => {
  const body = (model: string) =>
    `{ "seed":12345678901234567890,"model" : "${model}" , "messages":[{"role":"user","content":"é \\u00e9 𝄞 \\/ \\ud834"}],"x":1.0,"x":1.00,"tiny":1e-400,"nested":{"model":"inner","a":1,"a":2},"empty":[ ]}`;

  test("of a job's body reach the upstream as they were sent, but for the model; its answer comes back as it was", async () => {
    const id = await submit(`{"metadata":{"model":"outer"},"body":${body("exact")},"endpoint":"${chat}"}`);
    expect(await ended(id)).toMatchObject({
      status: "succeeded",
      usage: { input_tokens: 7, output_tokens: 9 },
    });
    const call = upstream.calls.find(({ headers }) => headers["x-sluice-job-id"] === id);
    expect(call?.body.toString()).toBe(body("the-model-of-the-upstream"));
    expect(call).toMatchObject({ path: chat, headers: { authorization: "Bearer sk-upstream" } });
    expect((await api.get(`/v1/jobs/${id}`)).text).toContain(`"body":${exactAnswer}}`);
  });

  test("of a batch's lines do too", async () => {
    const line = `{"custom_id":"ü","method":"POST","url":"${chat}","body":${body("exact")}}`;
    const before = upstream.calls.length;
    const batch = await untilEnded(cluster.openai, await startBatch(api, line));
    expect(upstream.calls.slice(before).map((call) => call.body.toString())).toEqual([
      body("the-model-of-the-upstream"),
    ]);
    const output = await (await cluster.openai.files.content(batch.output_file_id ?? "")).text();
    expect(output).toContain(`"body":${exactAnswer}}`);
    expect((await readResults(cluster.openai, batch)).output).toMatchObject([{ custom_id: "ü" }]);
  });
});

describe("an Idempotency-Key", () => {
  test("gives the first answer again, to the byte, and refuses another body", async () => {
    const key = { "idempotency-key": "again" };
    const first = await api.post("/v1/jobs", job("quick"), key);
    await ended(first.body.id);
    const second = await api.post("/v1/jobs", job("quick"), key);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect({ status: second.status, text: second.text }).toEqual({ status: 202, text: first.text });
    const other = await api.post("/v1/jobs", job("quick", { priority: 1 }), key);
    expect({ status: other.status, body: other.body }).toMatchObject({
      status: 422,
      body: { error: { code: "idempotency_key_reused" } },
    });
  });

  test("makes one job of twenty calls at once", async () => {
    const body = job("quick", { metadata: { burst: "yes" } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.post("/v1/jobs", body, { "idempotency-key": "burst" })),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get("idempotent-replayed") === null)).toHaveLength(1);
    expect((await api.get("/v1/jobs?metadata.burst=yes")).body.data).toHaveLength(1);
  });

  test("makes one batch of two calls", async () => {
    const body = {
      input_file_id: await api.upload(toJsonl(promptLines(1, { model: "quick" }))),
      endpoint: chat,
      completion_window: "24h",
    };
    const first = await api.post("/v1/batches", body, { "idempotency-key": "again" });
    const second = await api.post("/v1/batches", body, { "idempotency-key": "again" });
    expect(second.body.id).toBe(first.body.id);
  });
});

describe("on a target that has one place", () => {
  test("a waiting job is cancelled without a call, a running one at once; both stay so", async () => {
    const running = await submitRunning("narrow");
    const waiting = await submit(job("narrow"));
    expect((await api.get(`/v1/jobs/${waiting}?wait=0.1`)).body.finished_at).toBeUndefined();
    for (const id of [waiting, running]) {
      const { status, body } = await api.post(`/v1/jobs/${id}/cancel`);
      expect({ status, body }).toMatchObject({ status: 200, body: { id, status: "cancelled" } });
      expect(await api.post(`/v1/jobs/${id}/cancel`)).toMatchObject({ status: 200, body });
    }
    await until("the call that ran is over", async () =>
      (await cluster.simulators["narrow"]?.stats())?.in_flight === 0 ? true : undefined,
    );
    const calls = (await cluster.simulators["narrow"]?.calls()) ?? [];
    expect(calls.map((call) => call.x_sluice_job_id)).toEqual([running]);
    for (const id of [waiting, running]) {
      const { body } = await api.get(`/v1/jobs/${id}`);
      expect(body).toMatchObject({ status: "cancelled", error: { code: "job_cancelled" } });
      expect(body.result).toBeUndefined();
    }
  });

  test("a job whose deadline passes while it waits expires", async () => {
    const running = await submitRunning("narrow");
    const late = await submit(job("narrow", { sla: "interactive", deadline: "1s" }));
    expect(await ended(late)).toMatchObject({ status: "expired", error: { code: "job_expired" } });
    expect(await ended(running)).toMatchObject({ status: "succeeded" });
  });
});

test("a job that has ended cannot be cancelled", async () => {
  const { id } = await ended(await submit(job("quick")));
  const answer = await api.post(`/v1/jobs/${id}/cancel`);
  expect(answer).toMatchObject({ status: 409, body: { error: { code: "already_ended" } } });
  expect(answer.headers.get("x-should-retry")).toBe("false");
});

test("lists are filtered by state, model, class, metadata and batch, and page by cursor", async () => {
  const tag = { metadata: { list: "yes" } };
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    ids.push(await submit(job("quick", count === 0 ? { ...tag, sla: "interactive" } : tag)));
  }
  for (const id of ids) await ended(id);
  const idsOf = async (query: string): Promise<string[]> =>
    (await api.get(`/v1/jobs?metadata.list=yes${query}`)).body.data.map((one: { id: string }) => one.id);
  expect(await idsOf("")).toEqual(ids.toReversed());
  expect(await idsOf("&order=asc")).toEqual(ids);
  expect(await idsOf("&sla=interactive")).toEqual(ids.slice(0, 1));
  expect(await idsOf("&status=succeeded&model=quick")).toHaveLength(5);
  expect(await idsOf("&status=queued,running,waiting")).toEqual([]);
  expect(await idsOf("&model=narrow")).toEqual([]);
  const page = (await api.get("/v1/jobs?metadata.list=yes&order=asc&limit=2")).body;
  expect(page).toMatchObject({ has_more: true, first_id: ids[0], last_id: ids[1] });
  expect(await idsOf(`&order=asc&limit=2&after=${page.last_id}`)).toEqual(ids.slice(2, 4));

  const batchId = await startBatch(api, toJsonl(promptLines(3, { model: "quick" })));
  await untilEnded(cluster.openai, batchId);
  const lines = (await api.get(`/v1/jobs?batch_id=${batchId}`)).body.data;
  expect(lines.map((one: { custom_id: string }) => one.custom_id).sort()).toEqual([
    "line-0",
    "line-1",
    "line-2",
  ]);
});

test("tenants do not see each other's jobs, files and batches", async () => {
  const other = await addTenant(cluster, "acme");
  const key = { "idempotency-key": "shared" };
  const mine = (await api.post("/v1/jobs", job("quick"), key)).body.id;
  const theirs = (await other.post("/v1/jobs", job("quick"), key)).body.id;
  expect(theirs).not.toBe(mine);
  const fileId = await api.upload(toJsonl(promptLines(1, { model: "quick" })));
  const batchId = await startBatch(api, toJsonl(promptLines(1, { model: "quick" })));
  const { output_file_id } = await untilEnded(cluster.openai, batchId);

  const reads = [`jobs/${mine}`, `jobs/${mine}/attempts`, `jobs/${mine}/route`, `batches/${batchId}`];
  const files = [`files/${fileId}`, `files/${fileId}/content`, `files/${output_file_id}/content`];
  for (const path of [...reads, ...files]) {
    expect([path, (await other.get(`/v1/${path}`)).status]).toEqual([path, 404]);
    expect([path, (await api.get(`/v1/${path}`)).status]).toEqual([path, 200]);
  }
  for (const path of [`jobs/${mine}/cancel`, `batches/${batchId}/cancel`]) {
    expect([path, (await other.post(`/v1/${path}`)).status]).toEqual([path, 404]);
  }
  const stolen = { input_file_id: fileId, endpoint: chat, completion_window: "24h" };
  const refused = await other.post("/v1/batches", stolen);
  expect(refused).toMatchObject({ status: 404, body: { error: { param: "input_file_id" } } });

  const idsOf = async (caller: ApiCaller, path: string): Promise<string[]> =>
    (await caller.get(path)).body.data.map((one: { id: string }) => one.id);
  expect(await idsOf(other, "/v1/jobs")).toEqual([theirs]);
  expect(await idsOf(other, "/v1/files")).toEqual([]);
  expect(await idsOf(other, "/v1/batches")).toEqual([]);
  expect((await other.get("/v1/jobs?tenant=default")).status).toBe(403);
  expect(await idsOf(api, "/v1/jobs?tenant=acme")).toEqual([theirs]);
});

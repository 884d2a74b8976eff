import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer, ApiCaller } from "./kit/api-caller.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { type MoodyUpstream, startMoodyUpstream } from "./kit/moody-upstream.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "./kit/scripted-upstream.ts";
import { until } from "./kit/until.ts";

/** An answer that no parser and serialiser would leave as it is. */
const exactAnswer =
  '{"id":"x", "object":"chat.completion","big":12345678901234567890,"twice":1,"twice":2.50,"text":"é \\u00e9","choices":[]}';

const config = (moody: string, exact: string) => `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 1, tokens_per_second: 50000 }
  moody: { kind: openai, base_url: "${moody}", api_key: sk-upstream }
  exact: { kind: openai, base_url: "${exact}", api_key: sk-upstream }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
  moody: { targets: [{ id: moody, provider: moody, model: moody }] }
  narrow: { targets: [{ id: narrow, provider: moody, model: narrow, limits: { concurrency: 1 } }] }
  exact: { targets: [{ id: exact, provider: exact, model: exact }] }
models:
  quick: { pools: [quick] }
  moody: { pools: [moody] }
  narrow: { pools: [narrow] }
  exact: { pools: [exact] }
retry: { max_attempts: 2, base: 10ms, max: 20ms }
`;

let moody: MoodyUpstream;
let exact: ScriptedUpstream;
let cluster: TestCluster;
let api: ApiCaller;
beforeAll(async () => {
  moody = await startMoodyUpstream((body) => {
    if (body.includes("held")) return "hold";
    if (body.includes("broken")) return { status: 500 };
    return { status: body.includes("refused") ? 422 : 200 };
  });
  exact = await startScriptedUpstream(exactAnswer);
  cluster = await startTestCluster({ config: config(moody.url, exact.url) });
  api = cluster.api;
  // The one place of this model is taken until the last test lets the upstream answer.
  await api.post(path, chat("narrow", "held-first"), { "x-sluice-wait": "0" });
  await untilRunning("held-first");
});
afterAll(async () => {
  await cluster?.stop();
  moody?.close();
  exact?.close();
});

const path = "/v1/chat/completions";
const chat = (model: string, content: string) => ({ model, messages: [{ role: "user" as const, content }] });
const jobOf = (answer: Answer): string => answer.headers.get("x-sluice-job-id") ?? "";
const retry = { "x-stainless-retry-count": "1" };

async function untilRunning(word: string): Promise<void> {
  await until(`the upstream has '${word}'`, async () => (moody.callsWith(word) > 0 ? true : undefined));
}

/** Jobs of a model, newest first. */
async function jobsOf(model: string): Promise<{ id: string; status: string }[]> {
  return (await api.get(`/v1/jobs?model=${model}`)).body.data;
}

const newest = new Map<string, string>();

/** The newest job of a model, when it is another than at the last time. */
function newJobOf(model: string) {
  return until(`a new job of ${model} is there`, async () => {
    const [job] = await jobsOf(model);
    if (job === undefined || job.id === newest.get(model)) return undefined;
    newest.set(model, job.id);
    return job;
  });
}

/** A call whose client hangs up when it is told to. */
function startCall(body: object, headers: Record<string, string> = {}) {
  const hangUp = new AbortController();
  const answer = fetch(`${cluster.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: hangUp.signal,
  }).catch((error: unknown) => error);
  return { answer, hangUp: () => hangUp.abort() };
}

describe("an answer", () => {
  test("has the upstream's status and bytes as received, and names its job", async () => {
    const answer = await api.post(path, chat("exact", "hello"), { "x-sluice-sla": "interactive" });
    expect(answer).toMatchObject({ status: 200, text: exactAnswer });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
    const job = (await api.get(`/v1/jobs/${jobOf(answer)}`)).body;
    expect(job).toMatchObject({ status: "succeeded", endpoint: path, sla: "interactive" });
  });

  test("is the upstream's refusal when it refuses for good", async () => {
    const answer = await api.post(path, chat("moody", "refused"));
    expect(answer).toMatchObject({ status: 422, body: { error: { message: "not now" } } });
    expect((await api.get(`/v1/jobs/${jobOf(answer)}`)).body.status).toBe("failed");
  });

  test("says why there is none, and that trying again is pointless: dead 502, expired 504, cancelled 409", async () => {
    const dead = await api.post(path, chat("moody", "broken"));
    expect(dead).toMatchObject({ status: 502, body: { error: { code: "call_dead" } } });
    const tags = { "x-sluice-sla": "interactive", "x-sluice-deadline": "1s" };
    const expired = await api.post(path, chat("narrow", "late"), tags);
    expect(expired).toMatchObject({ status: 504, body: { error: { code: "call_expired" } } });
    await newJobOf("narrow");
    const waiting = api.post(path, chat("narrow", "unwanted"));
    const job = await newJobOf("narrow");
    await api.post(`/v1/jobs/${job.id}/cancel`);
    const cancelled = await waiting;
    expect(cancelled).toMatchObject({ status: 409, body: { error: { code: "call_cancelled" } } });
    for (const answer of [dead, expired, cancelled]) {
      expect(answer.headers.get("x-should-retry")).toBe("false");
      expect(jobOf(answer)).toMatch(/^job_/);
    }
  });

  test("to a call that asks for what there is not names the field", async () => {
    const refusals = [
      [chat("nothing", "hello"), "unknown_model", "model"],
      [{ messages: [] }, "missing_required_parameter", "model"],
      [chat("moody", "hello"), "unsupported_endpoint", "model", "/v1/embeddings"],
      [{ ...chat("moody", "hello") }, "invalid_value", "x-sluice-wait", path, { "x-sluice-wait": "soon" }],
    ] as const;
    for (const [body, code, param, at = path, headers = {}] of refusals) {
      const answer = await api.post(at, body, headers);
      expect(answer).toMatchObject({ status: 400, body: { error: { code, param } } });
    }
  });
});

test("every endpoint that waits answers, each in its own shape", async () => {
  const shapes = [
    ["/v1/chat/completions", { messages: [{ role: "user", content: "Hello" }] }, "chat.completion"],
    ["/v1/completions", { prompt: "Hello" }, "text_completion"],
    ["/v1/embeddings", { input: ["Hello"] }, "list"],
    ["/v1/responses", { input: "Hello" }, "response"],
  ] as const;
  for (const [at, body, object] of shapes) {
    const answer = await api.post(at, { model: "quick", ...body });
    expect([at, answer.status, answer.body.object]).toEqual([at, 200, object]);
  }
  const moderated = await api.post("/v1/moderations", { model: "quick", input: "Hello" });
  expect(moderated.body.results).toHaveLength(1);
});

describe("when the wait ends first", () => {
  test("the client hears of its job, makes no second one by itself, and can read the first", async () => {
    const client = new OpenAI({ apiKey: adminKey, baseURL: `${cluster.url}/v1`, maxRetries: 5 });
    const before = (await jobsOf("moody")).length;
    const error = await client.chat.completions
      .create(chat("moody", "held-long"), { headers: { "x-sluice-wait": "0.2" } })
      .catch((reason: unknown) => reason);
    if (!(error instanceof OpenAI.APIError)) throw error;
    expect({ status: error.status, code: error.code }).toEqual({ status: 408, code: "wait_over" });
    expect(await jobsOf("moody")).toHaveLength(before + 1);
    const id = error.headers?.get("x-sluice-job-id");
    expect((await api.get(`/v1/jobs/${id}`)).body.finished_at).toBeUndefined();
    expect(moody.callsWith("held-long")).toBeLessThanOrEqual(1);
  });
});

describe("a call that is tried again", () => {
  test("joins the first job, of twenty at once, while the first still waits", async () => {
    const body = chat("narrow", "joined");
    const first = startCall(body);
    const { id } = await newJobOf("narrow");
    const before = (await jobsOf("narrow")).length;
    const tries = Array.from({ length: 20 }, () =>
      api.post(path, body, { ...retry, "x-sluice-wait": "0.5" }),
    );
    expect(new Set((await Promise.all(tries)).map(jobOf))).toEqual(new Set([id]));
    expect(await jobsOf("narrow")).toHaveLength(before);
    first.hangUp();
  });

  test("without the first makes one job of twenty at once", async () => {
    const body = chat("quick", "nobody sent this before");
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.post(path, body, retry)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(jobOf)).size).toBe(1);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  test("is told apart from an equal call, which makes a job of its own", async () => {
    const body = chat("quick", "twice");
    const first = jobOf(await api.post(path, body));
    const second = jobOf(await api.post(path, body));
    expect(second).not.toBe(first);
    expect(jobOf(await api.post(path, body, retry))).toBe(second);
    expect(jobOf(await api.post(path, { ...body, n: 1 }, retry))).not.toBe(second);
  });

  test("by an Idempotency-Key gets the same job, and another body is refused", async () => {
    const key = { "idempotency-key": "mine" };
    const first = await api.post(path, chat("quick", "keyed"), key);
    const second = await api.post(path, chat("quick", "keyed"), key);
    expect([jobOf(second), second.text]).toEqual([jobOf(first), first.text]);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect((await api.post(path, chat("quick", "other"), key)).status).toBe(422);
  });
});

describe("a client that hangs up", () => {
  test("takes its waiting job along, and finds a new one when it calls again", async () => {
    const call = startCall(chat("narrow", "gone"));
    const job = await newJobOf("narrow");
    call.hangUp();
    const ended = await until("the job ends", async () => {
      const { body } = await api.get(`/v1/jobs/${job.id}?wait=10`);
      return body.finished_at === undefined ? undefined : body;
    });
    expect(ended).toMatchObject({ status: "cancelled", error: { code: "caller_gone" } });
    const again = await api.post(path, chat("narrow", "gone"), { ...retry, "x-sluice-wait": "0" });
    expect(jobOf(again)).not.toBe(job.id);
  });

  test("leaves a job that has been started; and an API that is killed leaves it to the client's next try", async () => {
    const call = startCall(chat("moody", "held-dispatched"));
    await untilRunning("held-dispatched");
    const [dispatched] = await jobsOf("moody");
    call.hangUp();
    const client = new OpenAI({ apiKey: adminKey, baseURL: `${cluster.url}/v1`, maxRetries: 12 });
    const answer = client.chat.completions.create(chat("moody", "held-restart")).withResponse();
    await untilRunning("held-restart");
    const [waiting] = await jobsOf("moody");
    await cluster.kill("api");
    await until("the API is back", async () =>
      (await fetch(`${cluster.url}/healthz`)).ok ? true : undefined,
    );
    moody.release();
    const { data, response } = await answer;
    expect(data.choices).toHaveLength(1);
    expect(response.headers.get("x-sluice-job-id")).toBe(waiting?.id);
    expect(moody.callsWith("held-restart")).toBe(1);
    const left = await until("the job that was left ends", async () => {
      const { body } = await api.get(`/v1/jobs/${dispatched?.id}?wait=30`);
      return body.finished_at === undefined ? undefined : body;
    });
    expect(left.status).toBe("succeeded");
  });
});

import type { EndedJob, Job } from "@sluice/client";
import { asJob, queued, queuedFetch } from "@sluice/client/openai";
import OpenAI from "openai";
import type { ChatCompletion } from "openai/resources/chat/completions";
import type { Response as ResponseObject } from "openai/resources/responses/responses";
import OpenAI6 from "openai-6";
import { describe, expect, expectTypeOf, test } from "vitest";
import { answered, job } from "../../packages/client/src/testing/job.ts";
import {
  type Answer,
  json,
  refusal,
  reset,
  setup,
} from "../../packages/client/src/testing/scripted-server.ts";

const completion = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "mini",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Seine." } }],
};
const params = { model: "auto", messages: [{ role: "user" as const, content: "Name a river." }] };

describe.each([
  ["7.55", OpenAI],
  // The types of the majors differ in private fields; the calls that are made here do not.
  ["6.49", OpenAI6 as unknown as typeof OpenAI],
])("the openai client %s", (_, Client) => {
  async function start(answers: readonly Answer[], options: Parameters<typeof queued>[1] = {}) {
    const { sluice, received } = await setup(answers);
    const plain = new Client({ apiKey: "sk-of-openai", baseURL: "http://127.0.0.1:9/v1" });
    return { plain, received, sluice, openai: queued(plain, { sluice, ...options }) };
  }

  test("gets from a queued call what it gets from its own", async () => {
    const { openai, plain, received } = await start(
      [json(202, job()), reset, json(200, answered("succeeded", 200, completion))],
      { sla: "batch", priority: 2 },
    );
    const got = await openai.chat.completions.create(params);
    expectTypeOf(got).toEqualTypeOf<ChatCompletion & { _request_id?: string | null }>();
    expect(got).toEqual(completion);
    expect(got._request_id).toBe("job_1");
    expect(received.map(({ path }) => path)).toEqual([
      "/v1/jobs",
      "/v1/jobs/job_1?wait=30",
      "/v1/jobs/job_1?wait=30",
    ]);
    expect(received[0]?.headers.authorization).toBe("Bearer sk-test");
    expect(JSON.parse(received[0]?.body ?? "")).toEqual({
      endpoint: "/v1/chat/completions",
      body: params,
      sla: "batch",
      priority: 2,
    });
    expect(plain.baseURL).toBe("http://127.0.0.1:9/v1");
    expect(plain.chat.completions).not.toHaveProperty("submit");
  });

  test("says of one call what its job should be, and what the headers of Sluice say", async () => {
    const { openai, received } = await start(
      [json(202, job()), json(200, answered("succeeded", 200, completion))],
      {
        sla: "batch",
        priority: 2,
      },
    );
    const headers = { "x-sluice-priority": "5", "x-sluice-deadline": "2h", "idempotency-key": "mine" };
    await openai.chat.completions.create(params, { headers });
    await openai.chat.completions.create(params, asJob({ sla: "standard", metadata: { team: "überall" } }));
    const [first, , second] = received;
    expect(first?.headers["idempotency-key"]).toBe("mine");
    expect(JSON.parse(first?.body ?? "")).toMatchObject({ sla: "batch", priority: 5, deadline: "2h" });
    expect(second?.headers).not.toHaveProperty("x-sluice-job");
    expect(JSON.parse(second?.body ?? "")).toMatchObject({
      sla: "standard",
      priority: 2,
      metadata: { team: "überall" },
    });
  });

  test("makes jobs of responses and embeddings too", async () => {
    const response = { id: "resp_1", object: "response", output: [], status: "completed" };
    const { openai, received } = await start([
      json(202, job()),
      json(200, answered("succeeded", 200, response)),
    ]);
    const got = await openai.responses.create({ model: "auto", input: "Hello" });
    expectTypeOf(got).toExtend<ResponseObject>();
    expect(got).toMatchObject({ id: "resp_1", output_text: "" });
    await openai.embeddings.create({ model: "auto", input: "Hello", encoding_format: "float" });
    const submitted = received.filter(({ path }) => path === "/v1/jobs");
    expect(submitted.map(({ body }) => JSON.parse(body).endpoint)).toEqual([
      "/v1/responses",
      "/v1/embeddings",
    ]);
  });

  test("answers a job at once to who submits", async () => {
    const { openai, received, sluice } = await start([json(202, job())], { sla: "batch" });
    const submitted = await openai.chat.completions.submit(params, {
      deadline: "1h",
      idempotencyKey: "mine",
    });
    expectTypeOf(submitted).toEqualTypeOf<Job<ChatCompletion>>();
    const wait = () => sluice.jobs.wait(submitted);
    expectTypeOf(wait).returns.resolves.toEqualTypeOf<EndedJob<ChatCompletion>>();
    expect(submitted).toEqual(job());
    await openai.responses.submit({ model: "auto", input: "Hello" });
    await openai.embeddings.submit({ model: "auto", input: "Hello" });
    expect(received[0]?.headers["idempotency-key"]).toBe("mine");
    expect(received.map(({ body }) => JSON.parse(body))).toEqual([
      { endpoint: "/v1/chat/completions", body: params, sla: "batch", deadline: "1h" },
      { endpoint: "/v1/responses", body: { model: "auto", input: "Hello" }, sla: "batch" },
      { endpoint: "/v1/embeddings", body: { model: "auto", input: "Hello" }, sla: "batch" },
    ]);
  });

  test.each([
    [
      "the upstream refuses the request",
      answered("failed", 400, {
        error: { message: "too long", type: "invalid_request_error", code: "long", param: "messages" },
      }),
      { name: "BadRequestError", status: 400, code: "long", param: "messages" },
    ],
    [
      "its attempts are used up",
      job("dead", { error: { code: "attempts_exhausted", message: "All attempts failed." } }),
      { name: "InternalServerError", status: 502, code: "attempts_exhausted", type: "job_dead" },
    ],
    ["it is cancelled", job("cancelled"), { name: "ConflictError", status: 409, code: "job_cancelled" }],
    [
      "its deadline passes",
      job("expired", { error: { code: "job_expired", message: "The deadline passed." } }),
      { name: "APIError", status: 408, code: "job_expired" },
    ],
  ])("throws its own error when %s, and buys no second job", async (_, ended, { name, ...told }) => {
    const { openai, received } = await start([json(202, job()), json(200, ended)]);
    // Even a call that asks for retries.
    const call = openai.chat.completions.create(params, { maxRetries: 2 });
    await expect(call).rejects.toMatchObject({ ...told, requestID: "job_1" });
    await expect(call).rejects.toBeInstanceOf(Client[name as "BadRequestError"]);
    expect(received).toHaveLength(2);
  });

  test("throws its own error when Sluice refuses the job, or cannot be reached", async () => {
    const { openai } = await start([refusal(401, "invalid_api_key")]);
    const call = openai.chat.completions.create(params);
    await expect(call).rejects.toBeInstanceOf(Client.AuthenticationError);
    await expect(call).rejects.toMatchObject({ code: "invalid_api_key", requestID: "req_1" });
    const { openai: cutOff } = await start([reset]);
    await expect(cutOff.chat.completions.create(params)).rejects.toBeInstanceOf(Client.APIConnectionError);
  });

  test("refuses what has more than one answer", async () => {
    const { openai, received } = await start([json(500, {})]);
    const streamed = openai.chat.completions.create({ ...params, stream: true });
    await expect(streamed).rejects.toMatchObject({ status: 400, param: "stream" });
    const background = openai.responses.create({ model: "auto", input: "Hello", background: true });
    await expect(background).rejects.toMatchObject({ status: 400, param: "background" });
    expect(received).toEqual([]);
  });

  test("cancels the job of a call that is aborted", async () => {
    const stopped = new AbortController();
    const cancelled = Promise.withResolvers<string>();
    const { openai } = await start([
      json(202, job()),
      () => stopped.abort(),
      (response, { path }) => {
        cancelled.resolve(path);
        response.end();
      },
    ]);
    const call = openai.chat.completions.create(params, { signal: stopped.signal });
    await expect(call).rejects.toBeInstanceOf(Client.APIUserAbortError);
    expect(await cancelled.promise).toBe("/v1/jobs/job_1/cancel");
  });

  test("calls everything else of Sluice as it is", async () => {
    const { openai, received } = await start([json(200, { object: "list", data: [], has_more: false })]);
    expect((await openai.batches.list()).data).toEqual([]);
    expect(received).toMatchObject([{ path: "/v1/batches", headers: { authorization: "Bearer sk-test" } }]);
  });

  test("can be made by hand, with the fetch alone", async () => {
    const { sluice } = await setup([json(202, job()), json(200, answered("succeeded", 200, completion))]);
    const fetch = queuedFetch({ sluice });
    const openai = new Client({ apiKey: "unused", baseURL: "http://127.0.0.1:9/v1", maxRetries: 0, fetch });
    expect(await openai.chat.completions.create(params)).toEqual(completion);
  });
});

test("a client of the older major keeps its own type", () => {
  const wrap = (client: OpenAI6) => queued(client);
  expectTypeOf<ReturnType<typeof wrap>>().toExtend<OpenAI6>();
});

import Anthropic0 from "anthropic-0";
import Anthropic from "anthropic-1";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkOpenaiValue } from "../kit/check-openai.ts";
import { batchLine, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import {
  anthropicKey,
  type DialectUpstream,
  startAnthropicUpstream,
  startChatUpstream,
} from "./kit/dialect-upstreams.ts";
import { until } from "./kit/until.ts";

const configOf = (claude: string, gpt: string) => `
version: 1
providers:
  anthropic: { kind: anthropic, base_url: "${claude}", api_key: "${anthropicKey}" }
  openai: { kind: openai, base_url: "${gpt}/v1" }
  sim: { kind: simulator, ttft_ms: 5, tokens_per_second: 5000 }
pools:
  claude: { targets: [{ id: claude, provider: anthropic, model: claude-real, max_output_tokens: 777 }] }
  gpt: { targets: [{ id: gpt, provider: openai, model: gpt-real }] }
  sim: { targets: [{ id: sim-messages, provider: sim, model: sim, endpoints: [/v1/messages] }] }
  sim-chat: { targets: [{ id: sim-chat, provider: sim, model: sim, endpoints: [/v1/chat/completions] }] }
models:
  claude: { pools: [claude] }
  gpt: { pools: [gpt] }
  sim: { pools: [sim] }
  sim-chat: { pools: [sim-chat] }
  both: { pools: [claude, gpt], policy: priority }
retry: { max_attempts: 3, base: 50ms, max: 200ms }
`;

let claude: DialectUpstream;
let gpt: DialectUpstream;
let cluster: TestCluster;
beforeAll(async () => {
  [claude, gpt] = await Promise.all([startAnthropicUpstream(), startChatUpstream()]);
  cluster = await startTestCluster({ config: configOf(claude.origin, gpt.origin), workers: 1 });
});
afterAll(async () => {
  await cluster?.stop();
  for (const upstream of [claude, gpt]) upstream?.close();
});

const asked = (content: string, more: object = {}) => ({ messages: [{ role: "user", content }], ...more });
const chat = (model: string, body: object) => ({
  endpoint: "/v1/chat/completions",
  body: { model, ...body },
});

async function runJob(job: object) {
  const { body } = await cluster.api.post("/v1/jobs", job);
  expect(body.id).toMatch(/^job_/);
  return until(`${body.id} ends`, async () => {
    const shown = (await cluster.api.get(`/v1/jobs/${body.id}?wait=60`)).body;
    return shown.finished_at === undefined ? undefined : shown;
  });
}

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const anthropicClient = () => new Anthropic({ apiKey: adminKey, baseURL: cluster.url, maxRetries: 0 });

describe("a chat completion that Anthropic serves", () => {
  test("is asked as a message and answered as a chat completion, with its usage, and the decision says so", async () => {
    const body = asked("hi", { max_completion_tokens: 50 });
    body.messages.unshift({ role: "system", content: "Be brief." });
    const job = await runJob(chat("claude", body));
    expect(job).toMatchObject({
      status: "succeeded",
      target: "claude",
      usage: { input_tokens: 15, output_tokens: 7 },
    });
    expect(claude.bodies.at(-1)).toEqual({
      model: "claude-real",
      max_tokens: 50,
      system: "Be brief.",
      messages: [{ role: "user", content: "hi" }],
    });
    checkOpenaiValue("CreateChatCompletionResponse", job.result.body);
    expect(job.result.body).toMatchObject({
      id: "chatcmpl-up",
      choices: [{ message: { content: "Claude read: Be brief." }, finish_reason: "stop" }],
      usage: { prompt_tokens: 15, prompt_tokens_details: { cached_tokens: 5 }, completion_tokens: 7 },
    });
    const route = (await cluster.api.get(`/v1/jobs/${job.id}/route`)).body;
    expect(route.candidates).toMatchObject([{ target: "claude", translated_to: "/v1/messages" }]);
  });

  test("uses tools over two calls of the unmodified client, with the target's bound of the answer", async () => {
    const tools = [{ type: "function" as const, function: { name: "weather", parameters } }];
    const question = { role: "user" as const, content: "How is the weather?" };
    const first = await cluster.openai.chat.completions.create({
      model: "claude",
      messages: [question],
      tools,
    });
    const [choice] = first.choices;
    expect(choice).toMatchObject({ finish_reason: "tool_calls", message: { content: "I look." } });
    expect(choice?.message.tool_calls).toEqual([
      { id: "toolu_1", type: "function", function: { name: "weather", arguments: '{"city":"Köln"}' } },
    ]);
    expect(claude.bodies.at(-1)).toMatchObject({ max_tokens: 777, tools: [{ input_schema: parameters }] });
    if (choice === undefined) throw new Error("there is no choice");
    const result = { role: "tool" as const, tool_call_id: "toolu_1", content: "Rain" };
    const messages = [question, choice.message, result];
    const second = await cluster.openai.chat.completions.create({ model: "claude", messages, tools });
    expect(second.choices[0]?.finish_reason).toBe("stop");
  });

  test("keeps to a JSON schema", async () => {
    const response_format = {
      type: "json_schema",
      json_schema: { name: "place", schema: parameters, strict: true },
    };
    const job = await runJob(chat("claude", asked("Where?", { response_format })));
    expect(JSON.parse(job.result.body.choices[0].message.content)).toEqual({ city: "Köln" });
    expect(claude.bodies.at(-1).output_config).toEqual({
      format: { type: "json_schema", schema: parameters },
    });
  });

  test.each(["529", "429", "error-200"])("is called again after Anthropic's %s", async (mark) => {
    const job = await runJob(chat("claude", asked(`hi [[${mark}]]`)));
    expect(job.status).toBe("succeeded");
  });

  test("that Anthropic refuses fails with an error in OpenAI's envelope", async () => {
    const job = await runJob(chat("claude", asked("[[400]]")));
    expect(job).toMatchObject({
      status: "failed",
      result: {
        status_code: 400,
        body: {
          error: { message: "prompt is too long", type: "invalid_request_error", param: null, code: null },
        },
      },
    });
    const call = cluster.openai.chat.completions.create({
      model: "claude",
      messages: [{ role: "user", content: "[[400]] again" }],
    });
    await expect(call).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
  });

  test("may be a line of a batch", async () => {
    const line = batchLine("a", { model: "sim", content: "Name three rivers." });
    const id = await startBatch(cluster.api, toJsonl([line]));
    const { output } = await readResults(cluster.openai, await untilEnded(cluster.openai, id));
    checkOpenaiValue("CreateChatCompletionResponse", output[0]?.response?.body);
  });
});

describe("a response that a target of chat completions serves", () => {
  test("calls tools and repeats what was asked, as OpenAI describes it", async () => {
    const tools = [{ type: "function" as const, name: "weather", parameters, strict: true }];
    const input = [{ role: "user" as const, content: "How is the weather?" }];
    const ask = { model: "gpt", instructions: "Be brief.", max_output_tokens: 99, tools };
    const first = await cluster.openai.responses.create({ ...ask, input });
    checkOpenaiValue("Response", JSON.parse(JSON.stringify({ ...first, output_text: undefined })));
    expect(first).toMatchObject({ status: "completed", instructions: "Be brief.", max_output_tokens: 99 });
    const [called] = first.output;
    if (called?.type !== "function_call") throw new Error("no tool was called");
    const output = { type: "function_call_output" as const, call_id: called.call_id, output: "Rain" };
    const second = await cluster.openai.responses.create({ ...ask, input: [...input, called, output] });
    expect(second.output_text).toBe("GPT read: Be brief.");
    expect(second.usage).toMatchObject({ input_tokens: 15, input_tokens_details: { cached_tokens: 5 } });
    expect(gpt.bodies.at(-1).messages.map(({ role }: { role: string }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
    ]);
  });

  test("runs in the background, and another goes on from where it ended, at Anthropic", async () => {
    const { responses } = cluster.openai;
    const { id } = await responses.create({ model: "gpt", input: "hi [[first]]", background: true });
    const first = await until(`${id} ends`, async () => {
      const response = await responses.retrieve(id);
      return response.status === "completed" ? response : undefined;
    });
    expect(first).toMatchObject({ id, background: true, output_text: "GPT read: hi [[first]]" });
    const second = await responses.create({ model: "claude", input: "and now?", previous_response_id: id });
    expect(second.status).toBe("completed");
    expect(claude.bodies.at(-1).messages).toMatchObject([
      { role: "user", content: "hi [[first]]" },
      { role: "assistant", content: "GPT read: hi [[first]]" },
      { role: "user", content: "and now?" },
    ]);
  });

  test("can be served by Anthropic too", async () => {
    const response = await cluster.openai.responses.create({ model: "claude", input: "hi" });
    expect(response.output_text).toBe("Claude read: nothing");
  });
});

describe("a message that a target of chat completions serves", () => {
  test.each([
    ["1.x", Anthropic],
    ["0.x", Anthropic0 as unknown as typeof Anthropic],
  ])("uses tools over two calls of the unmodified client %s", async (_, Client) => {
    const client = new Client({ apiKey: adminKey, baseURL: cluster.url, maxRetries: 0 });
    const input_schema = { ...parameters, type: "object" as const };
    const ask = {
      model: "gpt",
      max_tokens: 99,
      system: "Be brief.",
      tools: [{ name: "weather", input_schema }],
    };
    const question = { role: "user" as const, content: "How is the weather?" };
    const first = await client.messages.create({ ...ask, messages: [question] });
    expect(first).toMatchObject({
      type: "message",
      stop_reason: "tool_use",
      content: [{ type: "tool_use", id: "call_1", name: "weather", input: { city: "Köln" } }],
      usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 7 },
    });
    const answer = { role: "assistant" as const, content: first.content };
    const result = { type: "tool_result" as const, tool_use_id: "call_1", content: "Rain" };
    const messages = [question, answer, { role: "user" as const, content: [result] }];
    const second = await client.messages.create({ ...ask, messages });
    expect(second.content).toMatchObject([{ type: "text", text: "GPT read: Be brief." }]);
  });

  test("that the target refuses has an error in Anthropic's envelope", async () => {
    const messages = [{ role: "user" as const, content: "[[400]]" }];
    const call = anthropicClient().messages.create({ model: "gpt", max_tokens: 9, messages });
    await expect(call).rejects.toMatchObject({
      status: 400,
      error: { type: "error", error: { type: "invalid_request_error", message: "prompt is too long" } },
    });
  });
});

describe("a stream in another dialect", () => {
  const question = [{ role: "user" as const, content: "Name three rivers." }];

  test("of messages is streamed to the client of chat completions, delta by delta, with its usage", async () => {
    const stream = await cluster.openai.chat.completions.create({
      model: "sim",
      messages: question,
      max_completion_tokens: 12,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    for (const chunk of chunks) checkOpenaiValue("CreateChatCompletionStreamResponse", chunk);
    const deltas = chunks.filter(({ choices }) => choices[0]?.delta.content);
    expect(deltas).toHaveLength(12);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("length");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 12 } });
  });

  test("of chat completions is streamed to the client of messages, as a whole it is the same", async () => {
    const asked = { model: "sim-chat", messages: question, max_tokens: 12 };
    const stream = anthropicClient().messages.stream(asked);
    const texts: string[] = [];
    stream.on("text", (text) => texts.push(text));
    const message = await stream.finalMessage();
    expect(texts).toHaveLength(12);
    expect(message).toMatchObject({
      content: [{ type: "text", text: texts.join("") }],
      stop_reason: "max_tokens",
      usage: { output_tokens: 12 },
    });
    expect(message.usage.input_tokens).toBeGreaterThan(0);
  });

  test("that breaks in the middle ends with an error of the client's dialect", async () => {
    const messages = [{ role: "user" as const, content: "[[sim:reset-mid-body]] Name all rivers." }];
    const stream = anthropicClient().messages.stream({ model: "sim-chat", messages, max_tokens: 400 });
    await expect(stream.finalMessage()).rejects.toMatchObject({
      error: { type: "error", error: { type: "api_error" } },
    });
  });
});

describe("what cannot be said in the other dialect", () => {
  test("is refused with its field where no target serves it itself", async () => {
    const refused = await cluster.api.post("/v1/jobs", chat("claude", asked("hi", { logprobs: true })));
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { code: "untranslatable_request", param: "body.logprobs" } },
    });
    const called = cluster.openai.chat.completions.create({
      model: "claude",
      n: 2,
      messages: [{ role: "user", content: "hi" }],
    });
    await expect(called).rejects.toMatchObject({ status: 400, code: "untranslatable_request", param: "n" });
    const messages = [{ role: "user" as const, content: "hi" }];
    const thinking = { type: "enabled" as const, budget_tokens: 1024 };
    const message = anthropicClient().messages.create({ model: "gpt", max_tokens: 2048, messages, thinking });
    await expect(message).rejects.toMatchObject({
      status: 400,
      error: { type: "error", error: { message: expect.stringContaining("thinking") } },
    });
  });

  test("fails a batch with the line and the field", async () => {
    const line = batchLine("a", { model: "claude", content: "hi" });
    const id = await startBatch(cluster.api, toJsonl([{ ...line, body: { ...line.body, seed: 1 } }]));
    const { status, errors } = await untilEnded(cluster.openai, id);
    expect(status).toBe("failed");
    expect(errors?.data).toMatchObject([{ code: "untranslatable_request", line: 1, param: "body.seed" }]);
  });

  test("goes to a target that serves it itself, and the decision names the field", async () => {
    const job = await runJob(chat("both", asked("hi", { logprobs: true })));
    expect(job).toMatchObject({ status: "succeeded", target: "gpt" });
    expect(gpt.bodies.at(-1)).toMatchObject({ logprobs: true, model: "gpt-real" });
    const { candidates } = (await cluster.api.get(`/v1/jobs/${job.id}/route`)).body;
    expect(candidates[0]).toMatchObject({
      target: "claude",
      dropped: { filter: "serves-endpoint", reason: expect.stringContaining("'logprobs'") },
    });
    expect((await runJob(chat("both", asked("hi")))).target).toBe("claude");
  });
});

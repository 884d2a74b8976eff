import type Anthropic from "anthropic-1";
import { describe, expect, test } from "vitest";
import { checkOpenaiValue } from "../../../../test/kit/check-openai.ts";
import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import { type AnswerToTranslate, translateAnswer } from "./translate-answer.ts";
import { translateError } from "./translate-error.ts";

const defaults = { id: "job_1", createdAt: 1_700_000_009, model: "theirs" };

/** The same answer in the three dialects. */
const chat = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_700_000_009,
  model: "m-1",
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: "I ask.",
        refusal: null,
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Köln"}' } },
          { id: "call_2", type: "function", function: { name: "time", arguments: "{}" } },
        ],
      },
      logprobs: null,
      finish_reason: "tool_calls",
    },
  ],
  usage: {
    prompt_tokens: 13,
    completion_tokens: 5,
    total_tokens: 18,
    prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 },
    completion_tokens_details: { reasoning_tokens: 2 },
  },
};

const response = {
  id: "resp_1",
  object: "response",
  created_at: 1_700_000_009,
  completed_at: 1_700_000_009,
  status: "completed",
  background: false,
  error: null,
  incomplete_details: null,
  instructions: "Be brief.",
  max_output_tokens: 9,
  model: "m-1",
  output: [
    {
      id: "msg_1",
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "I ask.", annotations: [], logprobs: [] }],
    },
    {
      id: "fc_1_1",
      type: "function_call",
      status: "completed",
      call_id: "call_1",
      name: "weather",
      arguments: '{"city":"Köln"}',
    },
    {
      id: "fc_1_2",
      type: "function_call",
      status: "completed",
      call_id: "call_2",
      name: "time",
      arguments: "{}",
    },
  ],
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  store: true,
  temperature: 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [{ type: "function", name: "time", description: null, parameters: null, strict: true }],
  top_p: 1,
  truncation: "disabled",
  metadata: {},
  usage: {
    input_tokens: 13,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 18,
  },
};
/** What the client asked, which responses repeat. */
const request = {
  instructions: "Be brief.",
  max_output_tokens: 9,
  tools: [{ type: "function", name: "time" }],
};

const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "m-1",
  content: [
    { type: "text", text: "I ask.", citations: null },
    { type: "tool_use", id: "call_1", caller: { type: "direct" }, name: "weather", input: { city: "Köln" } },
    { type: "tool_use", id: "call_2", caller: { type: "direct" }, name: "time", input: {} },
  ],
  container: null,
  diagnostics: null,
  stop_reason: "tool_use",
  stop_sequence: null,
  stop_details: null,
  usage: {
    input_tokens: 6,
    cache_creation_input_tokens: 3,
    cache_read_input_tokens: 4,
    cache_creation: null,
    output_tokens: 5,
    output_tokens_details: { thinking_tokens: 2 },
    inference_geo: null,
    server_tool_use: null,
    service_tier: null,
    speed: null,
  },
} satisfies Anthropic.Message & Fields;

const answers: Readonly<Record<Dialect, Fields>> = { chat, responses: response, messages: message };
const dialects = ["chat", "responses", "messages"] as const;
const pairs = dialects.flatMap((from) =>
  dialects.filter((to) => to !== from).map((to) => [from, to] as const),
);

const translated = (asked: Omit<AnswerToTranslate, "defaults" | "request">): Fields => {
  const result = translateAnswer({ ...asked, request, defaults });
  if (result.kind === "refused") throw new Error(`${result.field} ${result.reason}`);
  return result.body;
};

test.each(pairs)("an answer of %s for %s keeps text, calls, the reason of its end and usage", (from, to) => {
  const body = translated({ from, to, body: answers[from] });
  expect(body).toEqual(answers[to]);
  if (to === "chat") checkOpenaiValue("CreateChatCompletionResponse", body);
  if (to === "responses") checkOpenaiValue("Response", body);
});

const chatOf = (msg: Fields, finish: string, more: Fields = {}): Fields => ({
  choices: [{ index: 0, message: { role: "assistant", ...msg }, finish_reason: finish, ...more }],
});
const textOf = (text: string, end: Fields): Fields => ({ content: [{ type: "text", text }], ...end });

describe("the reason of an end", () => {
  test.each<[Fields, string, Fields | null, string]>([
    [chatOf({ content: "x" }, "stop"), "completed", null, "end_turn"],
    [chatOf({ content: "x" }, "length"), "incomplete", { reason: "max_output_tokens" }, "max_tokens"],
    [chatOf({ content: "x" }, "content_filter"), "incomplete", { reason: "content_filter" }, "refusal"],
    [chatOf({ content: null, refusal: "No." }, "stop"), "completed", null, "refusal"],
    [chatOf({ content: "x" }, "stop", { stop_reason: "END" }), "completed", null, "stop_sequence"],
  ])("of chat completion %j", (body, status, details, stop) => {
    const asResponse = translated({ from: "chat", to: "responses", body });
    expect(asResponse).toMatchObject({
      status,
      incomplete_details: details,
      id: "resp_job_1",
      model: "theirs",
    });
    checkOpenaiValue("Response", asResponse);
    const asMessage = translated({ from: "chat", to: "messages", body });
    expect(asMessage["stop_reason"]).toBe(stop);
    expect(asMessage["stop_sequence"]).toBe(stop === "stop_sequence" ? "END" : null);
    // What was refused is told in words, wherever they stand.
    expect(JSON.stringify([asResponse, asMessage])).toMatch(/"text":"(x|No\.)"/);
  });

  test.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "content_filter"],
  ])("of a message, %s, is %s in a chat completion", (stop, finish) => {
    const body = textOf("x", { stop_reason: stop });
    expect(translated({ from: "messages", to: "chat", body })["choices"]).toMatchObject([
      { finish_reason: finish, message: { content: "x" } },
    ]);
  });
});

test("reasoning is left out, whichever way it is told", () => {
  const thinking = [
    { type: "thinking", thinking: "Hm.", signature: "s" },
    { type: "text", text: "x" },
  ];
  const fromMessage = translated({ from: "messages", to: "chat", body: { content: thinking } });
  const output = [
    { type: "reasoning", summary: [] },
    { type: "message", content: [{ type: "output_text", text: "x" }] },
  ];
  const fromResponse = translated({ from: "responses", to: "chat", body: { status: "completed", output } });
  const fromChat = translated({
    from: "chat",
    to: "messages",
    body: chatOf({ content: "x", reasoning_content: "Hm." }, "stop"),
  });
  expect(fromMessage["choices"]).toEqual(fromResponse["choices"]);
  expect(fromChat["content"]).toEqual([{ type: "text", text: "x", citations: null }]);
});

test("a call that the bound cut off is left out of a message, one that is broken otherwise refuses the answer", () => {
  const broken = { tool_calls: [{ id: "c", function: { name: "f", arguments: '{"a' } }] };
  const cut = translated({ from: "chat", to: "messages", body: chatOf(broken, "length") });
  expect([cut["content"], cut["stop_reason"]]).toEqual([[], "max_tokens"]);
  const body = chatOf(broken, "tool_calls");
  expect(translateAnswer({ from: "chat", to: "messages", body, request, defaults })).toMatchObject({
    kind: "refused",
    field: "choices[0].message.tool_calls[0].function.arguments",
  });
});

test("usage that nobody told is absent, and zero where there must be one", () => {
  const body = chatOf({ content: "x" }, "stop");
  expect(translated({ from: "chat", to: "responses", body })).not.toHaveProperty("usage");
  expect(translated({ from: "chat", to: "messages", body })["usage"]).toMatchObject({
    input_tokens: 0,
    output_tokens: 0,
  });
});

test.each<[Dialect, Fields, string]>([
  ["chat", {}, "choices"],
  ["chat", { choices: [] }, "choices"],
  ["chat", { choices: [{}, {}] }, "choices"],
  ["chat", { choices: [{}] }, "choices[0].message"],
  ["chat", chatOf({ content: 7 }, "stop"), "choices[0].message.content"],
  ["chat", chatOf({ audio: {} }, "stop"), "choices[0].message.audio"],
  ["responses", { status: "in_progress", output: [] }, "status"],
  ["responses", { status: "completed" }, "output"],
  ["responses", { status: "completed", output: [{ type: "web_search_call" }] }, "output[0]"],
  ["messages", {}, "content"],
  ["messages", { content: [{ type: "server_tool_use" }] }, "content[0]"],
])("what is no answer of %s, %j, is refused by its field %s", (from, body, field) => {
  const to = from === "responses" ? "chat" : "responses";
  expect(translateAnswer({ from, to, body, request, defaults })).toMatchObject({ kind: "refused", field });
});

describe("an error", () => {
  const anthropic = {
    type: "error",
    error: { type: "invalid_request_error", message: "max_tokens: too big" },
  };
  const openai = {
    error: { message: "Too big.", type: "invalid_request_error", param: "messages", code: "too_big" },
  };

  test("of messages is told in OpenAI's envelope, which both of its dialects share", () => {
    const asked = { from: "messages", statusCode: 400, body: anthropic } as const;
    const told = {
      error: { message: "max_tokens: too big", type: "invalid_request_error", param: null, code: null },
    };
    expect(translateError({ ...asked, to: "chat" })).toEqual(told);
    expect(translateError({ ...asked, to: "responses" })).toEqual(told);
    expect(translateError({ from: "chat", to: "responses", statusCode: 400, body: openai })).toBeUndefined();
  });

  test.each([
    [400, openai, "invalid_request_error", "Too big."],
    [413, openai, "request_too_large", "Too big."],
    [422, { detail: "Unprocessable" }, "invalid_request_error", "Unprocessable"],
    [400, { object: "error", message: "old vLLM" }, "invalid_request_error", "old vLLM"],
    [400, { detail: [{ loc: [] }] }, "invalid_request_error", "The upstream answered 400."],
    [400, undefined, "invalid_request_error", "The upstream answered 400."],
  ])("%d of OpenAI's dialects is told in Anthropic's envelope: %j", (statusCode, body, type, text) => {
    expect(translateError({ from: "chat", to: "messages", statusCode, body, requestId: "req_1" })).toEqual({
      type: "error",
      error: { type, message: text },
      request_id: "req_1",
    });
  });

  test("that a request is too large has a code of its own", () => {
    const body = { type: "error", error: { type: "request_too_large", message: "m" } };
    expect(translateError({ from: "messages", to: "chat", statusCode: 413, body })).toMatchObject({
      error: { type: "invalid_request_error", code: "request_too_large" },
    });
  });
});

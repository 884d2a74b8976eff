import type Anthropic from "anthropic-1";
import { describe, expect, test } from "vitest";
import { checkOpenaiValue } from "../../../../test/kit/check-openai.ts";
import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import { type RequestToTranslate, translateRequest } from "./translate-request.ts";

const pixel = "iVBORw0KGgo=";
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** The same request in the three dialects, as far as each can say it. */
const chat = {
  model: "auto",
  messages: [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${pixel}` } },
        { type: "image_url", image_url: { url: "https://example.com/a.png" } },
      ],
    },
    {
      role: "assistant",
      content: "I ask.",
      tool_calls: [
        { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Köln"}' } },
        { id: "call_2", type: "function", function: { name: "weather", arguments: '{"city":"Bonn"}' } },
      ],
    },
    { role: "tool", tool_call_id: "call_1", content: "Rain" },
    { role: "tool", tool_call_id: "call_2", content: "Sun" },
    { role: "user", content: "And tomorrow?" },
  ],
  max_completion_tokens: 100,
  temperature: 0.5,
  top_p: 0.9,
  tools: [
    {
      type: "function",
      function: { name: "weather", description: "Of a city", parameters: schema, strict: true },
    },
  ],
  tool_choice: { type: "function", function: { name: "weather" } },
  parallel_tool_calls: false,
  response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } },
  reasoning_effort: "low",
} satisfies Fields;

const responses = {
  model: "auto",
  input: [
    { type: "message", role: "system", content: [{ type: "input_text", text: "Be brief." }] },
    {
      type: "message",
      role: "user",
      content: [
        { type: "input_text", text: "What is this?" },
        { type: "input_image", image_url: `data:image/png;base64,${pixel}`, detail: "auto" },
        { type: "input_image", image_url: "https://example.com/a.png", detail: "auto" },
      ],
    },
    { type: "message", role: "assistant", content: "I ask." },
    { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"city":"Köln"}' },
    { type: "function_call", call_id: "call_2", name: "weather", arguments: '{"city":"Bonn"}' },
    { type: "function_call_output", call_id: "call_1", output: "Rain" },
    { type: "function_call_output", call_id: "call_2", output: "Sun" },
    { type: "message", role: "user", content: [{ type: "input_text", text: "And tomorrow?" }] },
  ],
  max_output_tokens: 100,
  temperature: 0.5,
  top_p: 0.9,
  tools: [{ type: "function", name: "weather", description: "Of a city", parameters: schema, strict: true }],
  tool_choice: { type: "function", name: "weather" },
  parallel_tool_calls: false,
  text: { format: { type: "json_schema", name: "answer", schema, strict: true } },
  reasoning: { effort: "low" },
} satisfies Fields;

const messages = {
  model: "auto",
  max_tokens: 100,
  system: "Be brief.",
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } },
        { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "text", text: "I ask." },
        { type: "tool_use", id: "call_1", name: "weather", input: { city: "Köln" } },
        { type: "tool_use", id: "call_2", name: "weather", input: { city: "Bonn" } },
      ],
    },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "call_1", content: "Rain" },
        { type: "tool_result", tool_use_id: "call_2", content: "Sun" },
        { type: "text", text: "And tomorrow?" },
      ],
    },
  ],
  temperature: 0.5,
  top_p: 0.9,
  tools: [
    { name: "weather", description: "Of a city", input_schema: { ...schema, type: "object" }, strict: true },
  ],
  tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true },
  output_config: { effort: "low", format: { type: "json_schema", schema } },
} satisfies Omit<Anthropic.MessageCreateParamsNonStreaming, "temperature"> & Fields;

const bodies: Readonly<Record<Dialect, Fields>> = { chat, responses, messages };

/** What the target gets; the options of chat's images are written only when they were stated. */
function expected(from: Dialect, to: Dialect): Fields {
  if (from !== "responses" || to !== "chat") return bodies[to];
  return JSON.parse(JSON.stringify(chat), (key, value) =>
    key === "image_url" && typeof value === "object" ? { ...value, detail: "auto" } : value,
  );
}

const translated = (asked: RequestToTranslate): Fields => {
  const result = translateRequest(asked);
  if (result.kind === "refused") throw new Error(`${result.field} ${result.reason}`);
  return result.body;
};

const pairs = (["chat", "responses", "messages"] as const).flatMap((from) =>
  (["chat", "responses", "messages"] as const).filter((to) => to !== from).map((to) => [from, to] as const),
);

describe.each(pairs)("a request of %s for %s", (from, to) => {
  test("carries text, images, tools, calls, results, format, bounds and effort over", () => {
    const body = translated({ from, to, body: bodies[from], model: "theirs" });
    const { store, ...sent } = body;
    expect(sent).toEqual({ ...expected(from, to), model: "theirs" });
    expect(store).toBe(to === "responses" ? false : undefined);
    if (to === "chat") checkOpenaiValue("CreateChatCompletionRequest", body);
    if (to === "responses") checkOpenaiValue("CreateResponse", body);
  });

  test("drops hints, and what says nothing else than holds anyway", () => {
    const hints = { metadata: { a: "b" }, service_tier: "auto", stream: true };
    const openai = { user: "u", store: true, prompt_cache_key: "k", safety_identifier: "s", ...hints };
    const more: Readonly<Record<Dialect, Fields>> = {
      chat: {
        ...openai,
        n: 1,
        logprobs: false,
        frequency_penalty: 0,
        logit_bias: {},
        modalities: ["text"],
        seed: null,
      },
      responses: {
        ...openai,
        background: true,
        truncation: "disabled",
        include: [],
        previous_response_id: null,
      },
      messages: {
        ...hints,
        thinking: { type: "disabled" },
        cache_control: { type: "ephemeral" },
        mcp_servers: [],
      },
    };
    const plain = translated({ from, to, body: bodies[from] });
    expect(translated({ from, to, body: { ...bodies[from], ...more[from] } })).toEqual(plain);
  });
});

const user = { role: "user", content: "x" };
const chatOf = (...parts: Fields[]): Fields => ({ messages: [{ role: "user", content: parts }] });
const inputOf = (...items: Fields[]): Fields => ({ input: items });
const blocksOf = (...blocks: Fields[]): Fields => ({ messages: [{ role: "user", content: blocks }] });
const call = (text: string) => ({ id: "c", type: "function", function: { name: "f", arguments: text } });

test.each<[Dialect, Dialect, Fields, string]>([
  ["chat", "messages", { n: 2 }, "n"],
  ["chat", "responses", { logprobs: true }, "logprobs"],
  ["chat", "responses", { audio: { voice: "a" } }, "audio"],
  ["chat", "responses", { modalities: ["text", "audio"] }, "modalities"],
  ["chat", "messages", { seed: 1 }, "seed"],
  ["chat", "messages", { logit_bias: { 5: 1 } }, "logit_bias"],
  ["chat", "messages", { web_search_options: {} }, "web_search_options"],
  ["chat", "messages", { functions: [{ name: "f" }] }, "functions"],
  ["chat", "messages", { something_new: 1 }, "something_new"],
  ["chat", "messages", { "a prompt, as a key": 1 }, "(a field)"],
  ["chat", "responses", { stop: ["END"] }, "stop"],
  ["chat", "messages", { temperature: 1.5 }, "temperature"],
  ["chat", "messages", { verbosity: "low" }, "verbosity"],
  ["chat", "messages", { reasoning_effort: "minimal" }, "reasoning_effort"],
  ["chat", "messages", { response_format: { type: "json_object" } }, "response_format"],
  ["chat", "messages", { tools: [{ type: "custom", custom: {} }] }, "tools[0].type"],
  ["chat", "messages", { tool_choice: { type: "allowed_tools" } }, "tool_choice"],
  ["chat", "messages", { messages: "hi" }, "messages"],
  ["chat", "messages", { messages: [user, 1] }, "messages[1]"],
  ["chat", "messages", { messages: [{ role: "pirate" }] }, "messages[0].role"],
  ["chat", "messages", { messages: [{ ...user, name: "Ann" }] }, "messages[0].name"],
  ["chat", "messages", { messages: [user, { role: "assistant", content: "It is" }] }, "messages[1]"],
  [
    "chat",
    "responses",
    chatOf({ type: "text", text: "x" }, { type: "input_audio", input_audio: {} }),
    "messages[0].content[1].input_audio",
  ],
  ["chat", "responses", chatOf({ type: "file", file: {} }), "messages[0].content[0].file"],
  [
    "chat",
    "messages",
    chatOf({ type: "image_url", image_url: { url: "data:text/plain,a" } }),
    "messages[0].content[0].image_url.url",
  ],
  [
    "chat",
    "messages",
    {
      messages: [
        { role: "assistant", tool_calls: [call("no json")] },
        { role: "tool", tool_call_id: "c", content: "" },
      ],
    },
    "messages[0].tool_calls[0].function.arguments",
  ],
  ["responses", "chat", { previous_response_id: "resp_1" }, "previous_response_id"],
  ["responses", "chat", { conversation: "conv_1" }, "conversation"],
  ["responses", "chat", { include: ["reasoning.encrypted_content"] }, "include"],
  ["responses", "chat", { truncation: "auto" }, "truncation"],
  ["responses", "chat", { reasoning: { effort: "low", summary: "auto" } }, "reasoning.summary"],
  ["responses", "chat", { tools: [{ type: "web_search" }] }, "tools[0].type"],
  ["responses", "chat", { tools: [{ type: "file_search", vector_store_ids: [] }] }, "tools[0].type"],
  ["responses", "chat", { input: 7 }, "input"],
  ["responses", "chat", inputOf(user, { type: "reasoning", encrypted_content: "x" }), "input[1]"],
  ["responses", "chat", inputOf({ type: "item_reference", id: "i" }), "input[0]"],
  [
    "responses",
    "chat",
    inputOf({ role: "user", content: [{ type: "input_file", file_id: "f" }] }),
    "input[0].content[0]",
  ],
  [
    "responses",
    "chat",
    inputOf({ role: "user", content: [{ type: "input_image", file_id: "f" }] }),
    "input[0].content[0].file_id",
  ],
  [
    "responses",
    "chat",
    inputOf({
      type: "function_call_output",
      call_id: "c",
      output: [{ type: "input_image", image_url: "https://a.b/c" }],
    }),
    "input[0]",
  ],
  ["messages", "chat", { top_k: 5 }, "top_k"],
  ["messages", "chat", { thinking: { type: "enabled", budget_tokens: 1024 } }, "thinking"],
  ["messages", "chat", { output_config: { effort: "max" } }, "output_config.effort"],
  ["messages", "responses", { stop_sequences: ["END"] }, "stop_sequences"],
  ["messages", "chat", { tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools[0].type"],
  ["messages", "chat", { messages: [user, { role: "assistant", content: "It is" }] }, "messages[1]"],
  ["messages", "chat", blocksOf({ type: "document", source: {} }), "messages[0].content[0]"],
  [
    "messages",
    "chat",
    blocksOf({ type: "thinking", thinking: "x", signature: "s" }),
    "messages[0].content[0]",
  ],
  [
    "messages",
    "chat",
    blocksOf({ type: "image", source: { type: "file", file_id: "f" } }),
    "messages[0].content[0].source",
  ],
])("%s for %s: %j is refused by its field %s", (from, to, change, field) => {
  const minimal = {
    chat: { messages: [user] },
    responses: { input: "x" },
    messages: { max_tokens: 1, messages: [user] },
  };
  const result = translateRequest({ from, to, body: { model: "m", ...minimal[from], ...change } });
  expect(result).toEqual({ kind: "refused", field, reason: expect.any(String) });
});

test("a bound that messages need is the target's, else 4096", () => {
  const asked = { from: "chat", to: "messages", body: { model: "m", messages: [user] } } as const;
  expect(translated(asked)["max_tokens"]).toBe(4096);
  expect(translated({ ...asked, maxTokens: 7 })["max_tokens"]).toBe(7);
});

test("instructions in the middle of a conversation stay there", () => {
  const conversation = [user, { role: "developer", content: "Now in French." }, user];
  const body = { model: "m", messages: conversation };
  expect(translated({ from: "chat", to: "messages", body })["messages"]).toEqual([
    user,
    { role: "system", content: "Now in French." },
    user,
  ]);
  expect(translated({ from: "chat", to: "responses", body })["input"]).toMatchObject([
    { role: "user" },
    { role: "developer" },
    { role: "user" },
  ]);
});

test("an answer that was a refusal stays one where there is one, and is text elsewhere", () => {
  const body = { messages: [user, { role: "assistant", content: null, refusal: "No." }, user] };
  expect(translated({ from: "chat", to: "messages", body })["messages"]).toMatchObject([
    user,
    { role: "assistant", content: [{ type: "text", text: "No." }] },
    user,
  ]);
  const input = [user, { role: "assistant", content: [{ type: "refusal", refusal: "No." }] }, user];
  expect(translated({ from: "responses", to: "chat", body: { input } })["messages"]).toEqual(body.messages);
});

test("keys that are no data of ours do no harm", () => {
  const body = JSON.parse('{"model":"m","__proto__":{"a":1},"messages":[]}');
  expect(translateRequest({ from: "chat", to: "messages", body })).toMatchObject({ kind: "refused" });
  const tool = JSON.parse(
    '{"name":"f","input_schema":{"type":"object","__proto__":{"x":1},"constructor":2}}',
  );
  const asked = {
    from: "messages",
    to: "chat",
    body: { max_tokens: 1, messages: [user], tools: [tool] },
  } as const;
  expect(JSON.stringify(translated(asked))).toContain('"__proto__":{"x":1},"constructor":2');
});

import Anthropic0 from "anthropic-0";
import Anthropic1 from "anthropic-1";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { checkOpenaiValue } from "../../../../test/kit/check-openai.ts";
import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import { chatAnswer, messageAnswer, responseAnswer } from "../testing/samples.ts";
import { createAccumulator } from "./create-accumulator.ts";
import { formatStreamEnd, formatStreamEvent } from "./stream-event.ts";
import { type StreamOptions, streamEventsOf } from "./stream-events-of.ts";

const answers = [
  ["chat", chatAnswer],
  ["responses", responseAnswer],
  ["messages", messageAnswer],
] as const;

/** What answers every call of a client with the stream of a body. */
const streaming = (dialect: Dialect, body: Fields, options?: StreamOptions) => ({
  apiKey: "k",
  fetch: async () =>
    new Response(
      streamEventsOf(dialect, body, options).map(formatStreamEvent).join("") + formatStreamEnd(dialect),
      { headers: { "content-type": "text/event-stream" } },
    ),
});

function accumulate(dialect: Dialect, events: readonly Fields[]) {
  const accumulator = createAccumulator(dialect);
  for (const data of events) accumulator.add(data);
  return accumulator.read();
}

const dataOf = (dialect: Dialect, body: Fields) =>
  streamEventsOf(dialect, body, { includeUsage: true }).map(({ data }) => data);

describe.each(answers)("the stream of a complete answer of %s", (dialect, body) => {
  test("is put together to the same answer", () => {
    expect(accumulate(dialect, dataOf(dialect, body))).toEqual({ kind: "complete", body });
  });

  test("is partial until it has ended, and holds what came", () => {
    const events = dataOf(dialect, body);
    expect(accumulate(dialect, [])).toEqual({ kind: "partial", body: undefined });
    const cut = accumulate(dialect, events.slice(0, dialect === "chat" ? -3 : -1));
    expect(cut).toMatchObject({ kind: "partial", body: { id: body["id"] } });
    expect(JSON.stringify(cut)).toContain("Köln");
  });

  test("does not lose an error within it", () => {
    const error = { code: "server_error", message: "busy" };
    const event = dialect === "responses" ? { type: "error", ...error } : { type: "error", error };
    expect(accumulate(dialect, [...dataOf(dialect, body).slice(0, 3), event])).toMatchObject({
      kind: "failed",
      error: { message: "busy" },
    });
  });
});

describe("the official clients put together", () => {
  test("chunks of a chat completion", async () => {
    const client = new OpenAI(streaming("chat", chatAnswer, { includeUsage: true }));
    const stream = client.chat.completions.stream({ model: "m", messages: [], n: 2 });
    const { choices, usage } = await stream.finalChatCompletion();
    expect(choices).toMatchObject(chatAnswer["choices"] as object);
    expect(usage).toEqual(chatAnswer["usage"]);
  });

  test("events of a response", async () => {
    const client = new OpenAI(streaming("responses", responseAnswer));
    const stream = client.responses.stream({ model: "m", input: "x" });
    expect(await stream.finalResponse()).toMatchObject(responseAnswer);
  });

  test.each([
    ["1.x", Anthropic1],
    ["0.x", Anthropic0],
  ])("events of a message, %s", async (_, Client) => {
    const client = new (Client as typeof Anthropic1)(streaming("messages", messageAnswer));
    const stream = client.messages.stream({ model: "m", max_tokens: 1, messages: [] });
    expect(await stream.finalMessage()).toMatchObject(messageAnswer);
  });
});

test("events are as OpenAI's description says, numbered from where they are asked to start", () => {
  for (const { data } of streamEventsOf("chat", chatAnswer, { includeUsage: true }))
    checkOpenaiValue("CreateChatCompletionStreamResponse", data);
  const events = streamEventsOf("responses", responseAnswer, { startAt: 7 });
  for (const { event, data } of events) {
    checkOpenaiValue("ResponseStreamEvent", data);
    expect(data["type"]).toBe(event);
  }
  expect(events.map(({ data }) => data["sequence_number"])).toEqual([...events.keys()].map((i) => i + 7));
});

test("chunks without usage name none", () => {
  for (const { data } of streamEventsOf("chat", chatAnswer)) expect(data).not.toHaveProperty("usage");
});

test("pieces of text, arguments and tool inputs are joined in order", () => {
  const chunk = (delta: Fields, finish: string | null = null) => ({
    id: "c",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const call = (fields: Fields) => chunk({ tool_calls: [{ index: 0, ...fields }] });
  const chat = accumulate("chat", [
    chunk({ role: "assistant", content: "" }),
    chunk({ content: "a", reasoning_content: "x" }),
    chunk({ content: "b", reasoning_content: "y" }),
    call({ id: "call_1", type: "function", function: { name: "f", arguments: "" } }),
    call({ function: { arguments: '{"a"' } }),
    call({ function: { arguments: ":1}" } }),
    chunk({}, "tool_calls"),
  ]);
  expect(chat).toMatchObject({
    kind: "complete",
    body: {
      choices: [
        {
          message: {
            content: "ab",
            reasoning_content: "xy",
            tool_calls: [{ id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
          },
        },
      ],
    },
  });
  const block = (type: string, fields: Fields) => ({ type, index: 0, ...fields });
  const json = (partial: string) =>
    block("content_block_delta", { delta: { type: "input_json_delta", partial_json: partial } });
  const begin = [
    {
      type: "message_start",
      message: { id: "m", content: [], usage: { input_tokens: 3, output_tokens: 1 } },
    },
    block("content_block_start", { content_block: { type: "tool_use", id: "t", name: "f", input: {} } }),
  ];
  const end = [
    block("content_block_stop", {}),
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ];
  expect(accumulate("messages", [...begin, { type: "ping" }, json('{"a"'), json(":[1]}"), ...end])).toEqual({
    kind: "complete",
    body: {
      id: "m",
      content: [{ type: "tool_use", id: "t", name: "f", input: { a: [1] } }],
      stop_reason: "tool_use",
      usage: { input_tokens: 3, output_tokens: 9 },
    },
  });
  expect(accumulate("messages", [...begin, json('{"a"'), ...end])).toMatchObject({ kind: "malformed" });
  expect(accumulate("messages", [json("{}")])).toMatchObject({ kind: "malformed" });
});

test("a response that failed is a failure with its error, one that is incomplete an answer", () => {
  const error = { code: "server_error", message: "no" };
  const failed = { ...responseAnswer, status: "failed", error };
  expect(accumulate("responses", dataOf("responses", failed))).toEqual({ kind: "failed", error });
  const cut = {
    ...responseAnswer,
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
  };
  expect(accumulate("responses", dataOf("responses", cut))).toEqual({ kind: "complete", body: cut });
});

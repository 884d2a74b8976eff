import { expect, test } from "vitest";
import { type EventKind, judgeEvent } from "./judge-event.ts";

const chunk = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});

test.each<[object, EventKind]>([
  [chunk({ role: "assistant", content: "" }), "preamble"],
  [chunk({ role: "assistant", content: null, tool_calls: [] }), "preamble"],
  [{ choices: [], prompt_filter_results: [] }, "preamble"],
  [chunk({ content: "a" }), "content"],
  [chunk({ tool_calls: [{ index: 0 }] }), "content"],
  [chunk({ reasoning_content: "hm" }), "content"],
  [chunk({}, "stop"), "content"],
  [{ choices: [], usage: { prompt_tokens: 1 } }, "aside"],
  [{ choices: [], error: { message: "overloaded" } }, "error"],
])("of chat completions: %j is %s", (data, kind) => {
  expect(judgeEvent("chat", { ...data })).toBe(kind);
});

test.each<[string, EventKind]>([
  ["response.created", "aside"],
  ["response.queued", "aside"],
  ["response.in_progress", "preamble"],
  ["response.output_item.added", "preamble"],
  ["response.content_part.added", "preamble"],
  ["response.output_text.delta", "content"],
  ["response.function_call_arguments.delta", "content"],
  ["response.output_item.done", "content"],
  ["response.completed", "last"],
  ["response.incomplete", "last"],
  ["response.failed", "error"],
  ["error", "error"],
])("of responses: %s is %s", (type, kind) => {
  expect(judgeEvent("responses", { type })).toBe(kind);
});

test.each<[string, EventKind]>([
  ["ping", "aside"],
  ["message_start", "preamble"],
  ["content_block_start", "preamble"],
  ["content_block_delta", "content"],
  ["message_delta", "content"],
  ["message_stop", "last"],
  ["error", "error"],
])("of messages: %s is %s", (type, kind) => {
  expect(judgeEvent("messages", { type })).toBe(kind);
});

test.each(["chat", "responses", "messages"] as const)(
  "an event of %s may be anything and breaks nothing",
  (dialect) => {
    const event = { type: { toString: "not a function" }, choices: [{ delta: [] }], error: null };
    expect(() => judgeEvent(dialect, event)).not.toThrow();
  },
);

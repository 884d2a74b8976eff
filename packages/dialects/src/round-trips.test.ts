import fc from "fast-check";
import { expect, test } from "vitest";
import { checkOpenaiValue } from "../../../test/kit/check-openai.ts";
import { translateAnswer } from "./answers/translate-answer.ts";
import type { Dialect } from "./dialect.ts";
import type { Fields } from "./fields.ts";
import { translateRequest } from "./requests/translate-request.ts";
import { createAccumulator } from "./streams/create-accumulator.ts";
import { streamEventsOf } from "./streams/stream-events-of.ts";

const said = fc.string({ minLength: 1, unit: "grapheme" });
const name = fc.stringMatching(/^[a-z_]{1,12}$/);
const input = fc.dictionary(name, fc.jsonValue(), { maxKeys: 3 });
const call = fc.record({ name, arguments: input.map((value) => JSON.stringify(value)) });
const calls = fc
  .array(call, { minLength: 1, maxLength: 3 })
  .map((all) => all.map((fn, index) => ({ id: `call_${index}`, type: "function", function: fn })));
const tool = fc.record({
  name,
  description: said,
  parameters: fc.constant({ type: "object", properties: {} }),
});

/** Turns as chat completions write them, so that what comes back can be compared as it is. */
const exchange = fc.oneof(
  said.map((content) => [{ role: "user", content }]),
  fc.tuple(said, said).map(([content, answer]) => [
    { role: "user", content },
    { role: "assistant", content: answer },
  ]),
  fc
    .tuple(said, calls, said)
    .map(([content, tool_calls, result]) => [
      { role: "user", content },
      { role: "assistant", content: null, tool_calls },
      ...tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: result })),
    ]),
);
const chatRequest = fc.record({
  model: fc.constant("m"),
  messages: fc
    .tuple(fc.option(said), fc.array(exchange, { maxLength: 4 }), said)
    .map(([system, turns, last]): Fields[] => [
      ...(system === null ? [] : [{ role: "system", content: system }]),
      ...turns.flat(),
      { role: "user", content: last },
    ]),
  // OpenAI describes 16 as the least that responses take.
  max_completion_tokens: fc.integer({ min: 16, max: 1e6 }),
  tools: fc
    .array(tool, { minLength: 1, maxLength: 3 })
    .map((tools) => tools.map((fn) => ({ type: "function", function: fn }))),
  tool_choice: fc.constantFrom("auto", "none", "required", { type: "function", function: { name: "f" } }),
});

function request(from: Dialect, to: Dialect, body: Fields): Fields {
  const result = translateRequest({ from, to, body });
  if (result.kind === "refused") throw new Error(`${result.field} ${result.reason}`);
  return result.body;
}

const defaults = { id: "1", createdAt: 5, model: "m" };
function answer(from: Dialect, to: Dialect, body: Fields): Fields {
  const result = translateAnswer({ from, to, body, request: {}, defaults });
  if (result.kind === "refused") throw new Error(`${result.field} ${result.reason}`);
  return result.body;
}

/** Several texts of users in a row are one message of messages, and so one with parts. */
function joined(messages: readonly Fields[]): unknown[] {
  const all: { role: unknown; parts: unknown[]; rest: Fields }[] = [];
  for (const { role, content, ...rest } of messages) {
    const parts = Array.isArray(content) ? content.map((part: Fields) => part["text"]) : [content];
    const last = all.at(-1);
    if (role === "user" && last?.role === "user") last.parts.push(...parts);
    else all.push({ role, parts, rest });
  }
  return all;
}

test.each(["responses", "messages"] as const)("a request comes back from %s as it was", (there) => {
  fc.assert(
    fc.property(chatRequest, (body) => {
      const { model, messages, ...settings } = request(there, "chat", request("chat", there, body));
      const { model: _, messages: original, ...asked } = body;
      expect(joined(messages as Fields[])).toEqual(joined(original));
      const plain = JSON.stringify(settings["tools"]).replaceAll(',"strict":false', "");
      expect({ ...settings, tools: JSON.parse(plain) }).toEqual(asked);
      expect(model).toBe("m");
    }),
  );
});

test("a request goes round all three dialects, and each is as OpenAI describes it", () => {
  fc.assert(
    fc.property(chatRequest, (body) => {
      const asResponses = request("messages", "responses", request("chat", "messages", body));
      checkOpenaiValue("CreateResponse", asResponses);
      const back = request("responses", "chat", asResponses);
      checkOpenaiValue("CreateChatCompletionRequest", back);
      expect(joined(back["messages"] as Fields[])).toEqual(joined(body.messages));
    }),
    { numRuns: 30 },
  );
});

const usage = fc
  .record({ fresh: fc.nat(), cached: fc.nat(), written: fc.nat(), output: fc.nat(), reasoning: fc.nat() })
  .map(({ fresh, cached, written, output, reasoning }) => ({
    prompt_tokens: fresh + cached + written,
    completion_tokens: output,
    total_tokens: fresh + cached + written + output,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }));
const chatAnswer = fc.tuple(fc.option(said), fc.option(calls), usage).map(([content, tool_calls, used]) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 5,
  model: "m",
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: content ?? (tool_calls === null ? "" : null),
        refusal: null,
        ...(tool_calls === null ? {} : { tool_calls }),
      },
      logprobs: null,
      finish_reason: tool_calls === null ? "stop" : "tool_calls",
    },
  ],
  usage: used,
}));

test("an answer goes round all three dialects, streamed in each, and keeps text, calls and usage", () => {
  const streamed = (dialect: Dialect, body: Fields): Fields => {
    const accumulator = createAccumulator(dialect);
    for (const { data } of streamEventsOf(dialect, body, { includeUsage: true }))
      accumulator.add(JSON.parse(JSON.stringify(data)));
    const whole = accumulator.read();
    expect(whole).toEqual({ kind: "complete", body });
    return whole.kind === "complete" ? whole.body : {};
  };
  fc.assert(
    fc.property(chatAnswer, (body) => {
      const asResponse = streamed("responses", answer("chat", "responses", streamed("chat", body)));
      const asMessage = streamed("messages", answer("responses", "messages", asResponse));
      expect(answer("messages", "chat", asMessage)).toEqual(body);
    }),
  );
});

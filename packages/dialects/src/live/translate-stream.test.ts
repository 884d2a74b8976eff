import Anthropic from "anthropic-1";
import fc from "fast-check";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { checkOpenaiValue } from "../../../../test/kit/check-openai.ts";
import { translateAnswer } from "../answers/translate-answer.ts";
import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import { createAccumulator } from "../streams/create-accumulator.ts";
import { formatStreamEnd, formatStreamEvent, type StreamEvent } from "../streams/stream-event.ts";
import { streamEventsOf } from "../streams/stream-events-of.ts";
import { chatAnswer, messageAnswer, responseAnswer } from "../testing/samples.ts";
import { createStreamTranslator } from "./translate-stream.ts";

const defaults = { id: "job_1", createdAt: 1_700_000_000, model: "theirs" };
const request = { instructions: "Be brief.", tools: [{ type: "function", name: "weather", parameters: {} }] };

const dialects = ["chat", "responses", "messages"] as const;
const pairs = dialects.flatMap((from) =>
  dialects.filter((to) => to !== from).map((to) => [from, to] as const),
);

/** Cuts every delta of text or JSON in pieces of these lengths, as models send them. */
function inPieces(events: readonly StreamEvent[], sizes: Iterator<number>): Fields[] {
  return events.flatMap(({ data }) => {
    const cut = (value: unknown): unknown[] | undefined => {
      if (typeof value === "string") {
        const letters = [...value];
        const pieces: string[] = [];
        while (letters.length > 0) pieces.push(letters.splice(0, sizes.next().value ?? 1).join(""));
        return pieces.length < 2 ? undefined : pieces;
      }
      if (Array.isArray(value)) return value.length === 1 ? cut(value[0])?.map((one) => [one]) : undefined;
      if (typeof value !== "object" || value === null) return undefined;
      for (const key of ["choices", "delta", "content", "refusal", "text", "partial_json", "arguments"]) {
        const pieces = cut((value as Fields)[key]);
        if (pieces !== undefined) return pieces.map((piece) => ({ ...value, [key]: piece }));
      }
      const called = (value as Fields)["tool_calls"];
      if (!Array.isArray(called)) return undefined;
      const [{ index, id, type, function: fn }] = called;
      const rest = [...fn.arguments].map((piece) => ({ index, function: { arguments: piece } }));
      const begun = { index, id, type, function: { name: fn.name, arguments: "" } };
      return [begun, ...rest].map((one) => ({ tool_calls: [one] }));
    };
    const isDelta = data["object"] === "chat.completion.chunk" || /delta$/.test(String(data["type"]));
    return (isDelta ? (cut(data) as Fields[] | undefined) : undefined) ?? [data];
  });
}

function translate(
  from: Dialect,
  to: Dialect,
  events: readonly Fields[],
  asked: Fields = request,
): StreamEvent[] {
  const translator = createStreamTranslator({ from, to, request: asked, defaults });
  const all = [...events.map((data) => translator.add(data)), translator.end()];
  let last = 0;
  const translated = all.flatMap((each) => {
    if (each.kind === "broken") throw new Error(each.reason);
    if (each.isLast) last += 1;
    return each.events;
  });
  expect(last).toBe(1);
  return translated;
}

function accumulate(dialect: Dialect, events: readonly StreamEvent[]) {
  const accumulator = createAccumulator(dialect);
  for (const { data } of events) accumulator.add(JSON.parse(JSON.stringify(data)));
  return accumulator.read();
}

const { choices, ...chatRest } = chatAnswer;
/** One choice with text and both calls. */
const chat: Fields = {
  ...chatRest,
  choices: [
    {
      index: 0,
      message: { ...((choices as Fields[])[1]?.["message"] as Fields), content: "I ask." },
      logprobs: null,
      finish_reason: "tool_calls",
    },
  ],
};
const answers: Readonly<Record<Dialect, Fields>> = {
  chat,
  responses: responseAnswer,
  messages: messageAnswer,
};

describe.each(pairs)("a stream of %s for %s", (from, to) => {
  const streamOf = (body: Fields) => streamEventsOf(from, body, { includeUsage: true });

  test("comes to what the whole answer is translated to, however it is cut", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 6 })), (sizes) => {
        const events = inPieces(streamOf(answers[from]), sizes);
        expect(events.length).toBeGreaterThan(streamOf(answers[from]).length);
        const whole = translateAnswer({ from, to, body: answers[from], request, defaults });
        expect(accumulate(to, translate(from, to, events))).toEqual({
          kind: "complete",
          body: whole.kind === "translated" ? whole.body : whole,
        });
      }),
      { numRuns: 30 },
    );
  });

  test("is as the dialect's owner describes it", async () => {
    const ones = (function* () {
      for (;;) yield 3;
    })();
    const events = translate(from, to, inPieces(streamOf(answers[from]), ones));
    const fetch = async () =>
      new Response(events.map(formatStreamEvent).join("") + formatStreamEnd(to), {
        headers: { "content-type": "text/event-stream" },
      });
    const options = { apiKey: "k", fetch };
    const body = accumulate(to, events);
    const expected: Fields = body.kind === "complete" ? body.body : {};
    if (to === "chat") {
      for (const { data } of events) checkOpenaiValue("CreateChatCompletionStreamResponse", data);
      const stream = new OpenAI(options).chat.completions.stream({ model: "m", messages: [] });
      expect(await stream.finalChatCompletion()).toMatchObject({ choices: expected["choices"] });
    } else if (to === "responses") {
      for (const { data } of events) checkOpenaiValue("ResponseStreamEvent", data);
      expect(events.map(({ data }) => data["sequence_number"])).toEqual([...events.keys()]);
      expect(
        await new OpenAI(options).responses.stream({ model: "m", input: "" }).finalResponse(),
      ).toMatchObject(expected);
    } else {
      const stream = new Anthropic(options).messages.stream({ model: "m", max_tokens: 1, messages: [] });
      expect(await stream.finalMessage()).toMatchObject(expected);
    }
  });

  test("tells a failure in the client's words", () => {
    const error = { type: "overloaded_error", code: "overloaded_error", message: "busy" };
    const event = from === "responses" ? { ...error, type: "error" } : { type: "error", error };
    const translator = createStreamTranslator({ from, to, request, defaults });
    for (const { data } of streamOf(answers[from]).slice(0, 3)) translator.add(data);
    const told = translator.add(event);
    expect(told).toMatchObject({ kind: "events", isLast: false });
    const accumulator = createAccumulator(to);
    if (told.kind === "events") for (const { data } of told.events) accumulator.add(data);
    expect(accumulator.read()).toMatchObject({ kind: "failed", error: { message: "busy" } });
  });

  test("has no end when the upstream's has none", () => {
    const translator = createStreamTranslator({ from, to, request, defaults });
    const events = streamOf(answers[from]);
    for (const { data } of events.slice(0, from === "chat" ? -2 : -1)) translator.add(data);
    expect(translator.end()).toEqual({ kind: "events", events: [], isLast: false });
  });
});

test("an answer that was cut, filtered or refused ends so in every dialect", () => {
  const bodyOf = (message: Fields, finish: string) => ({
    ...chat,
    choices: [{ index: 0, message: { role: "assistant", content: null, ...message }, finish_reason: finish }],
  });
  for (const body of [
    bodyOf({ content: "x" }, "length"),
    bodyOf({ content: "x" }, "content_filter"),
    bodyOf({ refusal: "No." }, "stop"),
    bodyOf({ content: "" }, "stop"),
  ]) {
    for (const to of ["responses", "messages"] as const) {
      const events = streamEventsOf("chat", body, { includeUsage: true }).map(({ data }) => data);
      const whole = translateAnswer({ from: "chat", to, body, request, defaults });
      expect(accumulate(to, translate("chat", to, events))).toEqual({
        kind: "complete",
        body: whole.kind === "translated" ? whole.body : whole,
      });
    }
  }
});

test("calls whose arguments are mixed break a stream that has one block after the other", () => {
  const delta = (index: number, fields: Fields) => ({
    id: "c",
    choices: [{ index: 0, delta: { tool_calls: [{ index, ...fields }] } }],
  });
  const translator = createStreamTranslator({ from: "chat", to: "messages", request, defaults });
  translator.add(delta(0, { id: "a", function: { name: "f", arguments: "{" } }));
  translator.add(delta(1, { id: "b", function: { name: "g", arguments: "{" } }));
  expect(translator.add(delta(0, { function: { arguments: "}" } }))).toEqual({
    kind: "broken",
    reason: "the arguments of several calls are mixed",
  });
});

test.each<[Dialect, Fields]>([
  ["chat", { choices: [{ index: 0, delta: { audio: { data: "" } } }] }],
  ["responses", { type: "response.output_item.added", output_index: 0, item: { type: "web_search_call" } }],
  ["messages", { type: "content_block_start", index: 0, content_block: { type: "server_tool_use" } }],
])("what cannot be carried over breaks a stream of %s", (from, data) => {
  const to = from === "chat" ? "messages" : "chat";
  expect(createStreamTranslator({ from, to, request, defaults }).add(data)).toMatchObject({ kind: "broken" });
});

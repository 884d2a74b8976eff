import { createServerSentEventParser, type Fields } from "@sluice/dialects";
import { idFromUuid } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { sampleUuid } from "../../../../test/kit/samples.ts";
import { type EndedStream, endOfStream, leadOfResponse } from "./end-of-stream.ts";

const id = idFromUuid("job", sampleUuid);
const succeeded = { id, state: "succeeded", failure: undefined } as const;
const dead = {
  id,
  state: "dead",
  failure: { code: "stream_interrupted", message: "It broke off." },
} as const;
const refused = { id, state: "failed", failure: undefined } as const;
const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
const chat = {
  id: "c",
  created: 7,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage,
};
const message = { type: "message", content: [{ type: "text", text: "Hi" }], stop_reason: "end_turn" };
const response = {
  id: "resp_1",
  object: "response",
  status: "completed",
  output: [{ id: "i", type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi" }] }],
};
const refusal = { error: { message: "No.", type: "bad_thing", param: "messages", code: "c1" } };

function told(changes: Partial<EndedStream> & Pick<EndedStream, "dialect" | "job">) {
  const common = { answer: undefined, last: undefined, after: -1, includesUsage: false };
  return read(endOfStream({ ...common, ...changes }));
}

function read(text: string): (Fields | string)[] {
  const parser = createServerSentEventParser();
  return [...parser.push(Buffer.from(text)), ...parser.end()].map(({ data }) =>
    data === "[DONE]" ? data : (JSON.parse(data) as Fields),
  );
}

const typesOf = (events: readonly (Fields | string)[]) =>
  events.map((event) => (typeof event === "string" ? event : event["type"]));

describe("the end of a chat completion", () => {
  test("is [DONE] after what was streamed, with the usage if it was asked for", () => {
    const streamed = { dialect: "chat", job: succeeded, answer: chat, last: 4, after: 4 } as const;
    expect(told(streamed)).toEqual(["[DONE]"]);
    const chunk = { id: "c", object: "chat.completion.chunk", created: 7, model: "m", choices: [], usage };
    expect(told({ ...streamed, includesUsage: true })).toEqual([chunk, "[DONE]"]);
  });

  test("is the whole answer when its target answered with one", () => {
    const events = told({ dialect: "chat", job: succeeded, answer: chat, includesUsage: true });
    const contents = events.flatMap((event) =>
      typeof event === "string" ? [] : (event["choices"] as Fields[]),
    );
    expect(contents).toContainEqual(expect.objectContaining({ delta: { content: "Hi" } }));
    expect(events.at(-2)).toMatchObject({ choices: [], usage });
    expect(events.at(-1)).toBe("[DONE]");
  });

  test("is an error that says why it broke off, or what the upstream said", () => {
    const ours = { message: "It broke off.", type: "server_error", param: null, code: "stream_interrupted" };
    expect(told({ dialect: "chat", job: dead, last: 4, after: 4 })).toEqual([{ error: ours }]);
    expect(told({ dialect: "chat", job: refused, answer: refusal })).toEqual([refusal]);
    expect(told({ dialect: "chat", job: refused })).toMatchObject([
      { error: { type: "invalid_request_error" } },
    ]);
  });
});

describe("the end of a message", () => {
  test("is its stop after what was streamed, or the whole message", () => {
    const stop = { type: "message_stop" };
    expect(told({ dialect: "messages", job: succeeded, answer: message, last: 4 })).toEqual([stop]);
    const whole = told({ dialect: "messages", job: succeeded, answer: message });
    expect(typesOf(whole)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
  });

  test("is an error event", () => {
    expect(told({ dialect: "messages", job: dead, last: 1 })).toEqual([
      { type: "error", error: { type: "api_error", message: "It broke off." } },
    ]);
    expect(told({ dialect: "messages", job: refused, answer: refusal })).toEqual([
      { type: "error", error: { type: "bad_thing", message: "No." } },
    ]);
  });
});

describe("a response", () => {
  const numbersOf = (events: readonly (Fields | string)[]) =>
    events.map((event) => (typeof event === "string" ? -1 : event["sequence_number"]));

  test("begins with two events, of which a client gets those that it has not", () => {
    expect(typesOf(read(leadOfResponse(response, -1)))).toEqual(["response.created", "response.queued"]);
    expect(read(leadOfResponse(response, 0))).toEqual([
      { type: "response.queued", sequence_number: 1, response },
    ]);
    expect(leadOfResponse(response, 1)).toBe("");
  });

  test("ends by the number that follows its worker's last, once", () => {
    const streamed = { dialect: "responses", job: succeeded, answer: response, last: 9 } as const;
    const end = { type: "response.completed", sequence_number: 10, response };
    expect(told({ ...streamed, after: 9 })).toEqual([end]);
    expect(told({ ...streamed, after: 10 })).toEqual([]);
  });

  test("that came as a whole goes on densely from the lead, from any place", () => {
    const whole = { dialect: "responses", job: succeeded, answer: response } as const;
    const all = told({ ...whole, after: 1 });
    expect(typesOf(all)[0]).toBe("response.in_progress");
    expect(typesOf(all).at(-1)).toBe("response.completed");
    expect(numbersOf(all)).toEqual(all.map((_, index) => index + 2));
    expect(told({ ...whole, after: 5 })).toEqual(all.slice(4));
    expect(told({ ...whole, after: all.length + 1 })).toEqual([]);
  });

  test.each([
    ["incomplete", "response.incomplete"],
    ["failed", "response.failed"],
    ["cancelled", "response.failed"],
  ])("that is %s ends as %s, and tells nothing that was not streamed", (status, type) => {
    const answer = { ...response, status };
    expect(typesOf(told({ dialect: "responses", job: succeeded, answer, last: 3, after: 3 }))).toEqual([
      type,
    ]);
    if (status !== "incomplete") {
      const ended = told({ dialect: "responses", job: dead, answer, after: 1 });
      expect(ended).toMatchObject([{ type, sequence_number: 2, response: { status } }]);
    }
  });
});

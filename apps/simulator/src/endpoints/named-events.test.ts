import { describe, expect, test } from "vitest";
import { chat, type Seen } from "../test-client.ts";
import { json, setup, untilStats } from "../test-setup.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
type Data = any;

/** The events of a stream; each one's name must be its type. */
function eventsOf({ body }: Seen): Data[] {
  return body
    .split("\n\n")
    .filter((text) => text !== "")
    .map((text) => {
      const [, name, data = ""] = /^event: (.+)\ndata: (.+)$/.exec(text) ?? [];
      const event = JSON.parse(data);
      expect(event.type).toBe(name);
      return event;
    });
}

const messages = "/v1/messages";
const ask = (content: string, more: Record<string, unknown> = {}) =>
  chat(content, { max_tokens: 4000, ...more });

describe("a message", () => {
  test("is one text block with its usage, cut by max_tokens", async () => {
    const { client } = await setup();
    const seen = await client.post(messages, ask("hi"));
    expect(seen.headers["request-id"]).toMatch(/^req_/);
    expect(seen.headers).not.toHaveProperty("x-request-id");
    const whole = json(seen);
    expect(whole).toMatchObject({
      type: "message",
      role: "assistant",
      model: "test-model",
      content: [{ type: "text", text: expect.any(String) }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 8, cache_read_input_tokens: 0, output_tokens: expect.any(Number) },
    });
    const withSystem = json(await client.post(messages, ask("hi", { system: "Be brief." })));
    expect(withSystem.usage.input_tokens).toBeGreaterThan(whole.usage.input_tokens);
    const cut = json(await client.post(messages, ask("hi", { max_tokens: 3 })));
    expect([cut.stop_reason, cut.usage.output_tokens]).toEqual(["max_tokens", 3]);
  });

  test.each([0, 20_000])("streams by %d tokens a second what it would say whole", async (tokensPerSecond) => {
    const { client } = await setup({ tokensPerSecond });
    const seen = await client.post(messages, ask("hi", { stream: true, max_tokens: 5 }));
    expect(seen.headers["content-type"]).toContain("text/event-stream");
    const events = eventsOf(seen);
    expect(events.map(({ type }) => type)).toEqual([
      "message_start",
      "content_block_start",
      "ping",
      ...Array.from({ length: 5 }, () => "content_block_delta"),
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    const text = events.map(({ delta }) => delta?.text ?? "").join("");
    expect(events[0].message).toMatchObject({ content: [], stop_reason: null, usage: { input_tokens: 8 } });
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: "max_tokens" },
      usage: { output_tokens: 5 },
    });
    expect(text).toMatch(/^[A-Z][a-zA-Z .]+$/);
  });

  test.each([
    [{ model: "m", max_tokens: 1 }, "messages"],
    [{ model: "m", messages: [{ role: "user", content: "x" }] }, "max_tokens"],
    [ask("x", { messages: [] }), "messages"],
    [ask("x", { messages: [{ role: "tool", content: "" }] }), "messages.0.role"],
    [ask("x", { temperature: 1.5 }), "temperature"],
  ])("refuses %j in Anthropic's envelope, naming %s", async (body, field) => {
    const { client } = await setup();
    const seen = await client.post(messages, body);
    expect(seen.status).toBe(400);
    expect(json(seen)).toEqual({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringContaining(field) },
      request_id: seen.headers["request-id"],
    });
  });

  test("meets limits and faults in Anthropic's words", async () => {
    const { client } = await setup({ requestsPerMinute: 2, tokensPerMinute: 100_000 });
    const first = await client.post(messages, ask("[[sim:529]]"));
    expect([first.status, json(first).error.type]).toEqual([529, "overloaded_error"]);
    expect(first.headers).toMatchObject({
      "anthropic-ratelimit-requests-limit": "2",
      "anthropic-ratelimit-requests-remaining": "1",
      "anthropic-ratelimit-requests-reset": expect.stringMatching(/^\d{4}-.+Z$/),
      "anthropic-ratelimit-tokens-limit": "100000",
    });
    const second = await client.post(messages, ask("[[sim:error-200]]", { stream: true }));
    expect(eventsOf(second)).toMatchObject([{ type: "error", error: { type: "api_error" } }]);
    const third = await client.post(messages, ask("more"));
    expect([third.status, json(third).error.type]).toEqual([429, "rate_limit_error"]);
    expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
  });
});

test("a response streams numbered events that end with the whole response", async () => {
  const { client } = await setup();
  const body = { model: "m", input: "hi", max_output_tokens: 4 };
  const seen = await client.post("/v1/responses", { ...body, stream: true });
  const events = eventsOf(seen);
  expect(events.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    ...Array.from({ length: 4 }, () => "response.output_text.delta"),
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.incomplete",
  ]);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()]);
  const { response } = events.at(-1);
  const text = events.map(({ delta }) => delta ?? "").join("");
  expect(response.output[0].content[0].text).toBe(text);
  expect(events[2].item.id).toBe(response.output[0].id);
  expect(response.usage.output_tokens).toBe(4);
});

describe("within a stream", () => {
  test("a reset cuts it after half of it", async () => {
    const { client } = await setup({ meanOutputTokens: 400 });
    const seen = await client.post(messages, ask("x [[sim:reset-mid-body]]", { stream: true }));
    expect(seen.error).toBe("ECONNRESET");
  });

  test("a hang leaves it open after half of it, until the caller gives up", async () => {
    const { client, simulator } = await setup();
    const call = client.open("/v1/responses", { model: "m", input: "x [[sim:hang-mid-body]]", stream: true });
    await untilStats(simulator, ({ faults }) => faults.by["hang-mid-body"] === 1);
    call.abort();
    await call.done;
    await untilStats(simulator, ({ by_status }) => by_status[499] === 1);
    const cut = await client.post(messages, ask("[[sim:hang-mid-body;ms=1]]", { stream: true }));
    expect(cut.error).toBe("ECONNRESET");
    expect(cut.body).not.toContain("message_stop");
  });
});

import { createServer, type IncomingMessage } from "node:http";
import { createAccumulator, type Dialect, formatStreamEvent, streamEventsOf } from "@sluice/dialects";
import type { Clock, EventSink, ModelCall, Outcome, StreamProgress } from "@sluice/domain";
import { afterEach, expect, test } from "vitest";
import { createModelClient, type Providers } from "./index.ts";

const clock: Clock = {
  now: () => 1_700_000_000_123,
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** An upstream that always answers the same, and a call of it as a target of these endpoints. */
async function setup(kind: "openai" | "anthropic", endpoints: readonly string[], answer: Answer) {
  const seen: { url: string | undefined; headers: IncomingMessage["headers"]; body: string }[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push({ url: request.url, headers: request.headers, body });
      response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
      response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  closers.push(() => server.close());
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const baseUrl = kind === "openai" ? `${origin}/v1` : origin;
  const providers: Providers = { up: { kind, baseUrl, apiKey: "key" } };
  const client = createModelClient({ providers: () => providers, clock });
  closers.push(() => client.close());
  const target: ModelCall["target"] = {
    id: "t",
    pool: "p",
    provider: "up",
    model: "real-model",
    weight: 1,
    limits: {},
    price: { input: 0, cachedInput: 0, output: 0 },
    contextWindow: 1,
    maxOutputTokens: 321,
    endpoints,
    capabilities: [],
    tags: [],
  };
  const call = (endpoint: string, body: string, stream?: EventSink): Promise<Outcome> =>
    client.call({
      stream,
      target,
      endpoint,
      body: Buffer.from(body),
      jobId: "job_1",
      epoch: 1,
      traceparent: undefined,
      signal: new AbortController().signal,
      timeoutMs: 60_000,
    });
  return { call, seen };
}

const answerOf = (outcome: Outcome) => {
  if (outcome.kind !== "succeeded" && outcome.kind !== "refused") throw new Error(outcome.kind);
  return { ...outcome.answer, body: JSON.parse(outcome.answer.body.toString("utf8")) };
};

const chat =
  '{"model":"auto","messages":[{"role":"system","content":"Brief."},{"role":"user","content":"hi"}]}';
const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, cache_read_input_tokens: 4, cache_creation_input_tokens: 0, output_tokens: 5 },
};

test("a chat completion is asked of Anthropic as a message, and answered as a chat completion", async () => {
  const headers = {
    "request-id": "req_9",
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
  };
  const { call, seen } = await setup("anthropic", ["/v1/messages"], { headers, body: message });
  const outcome = await call("/v1/chat/completions", chat);
  expect(seen).toMatchObject([
    { url: "/v1/messages", headers: { "x-api-key": "key", "anthropic-version": "2023-06-01" } },
  ]);
  expect(JSON.parse(seen[0]?.body ?? "")).toEqual({
    model: "real-model",
    max_tokens: 321,
    system: "Brief.",
    messages: [{ role: "user", content: "hi" }],
  });
  expect(outcome).toMatchObject({
    kind: "succeeded",
    usage: { inputTokens: 7, cachedInputTokens: 4, outputTokens: 5 },
    rateLimits: { requests: { limit: 50, remaining: 49 } },
  });
  expect(answerOf(outcome)).toMatchObject({
    statusCode: 200,
    contentType: "application/json",
    requestId: "req_9",
    body: {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_700_000_000,
      choices: [{ message: { content: "Hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 7, completion_tokens: 5 },
    },
  });
});

test("a native call keeps the client's bytes, whatever else the target serves", async () => {
  const { call, seen } = await setup("anthropic", ["/v1/chat/completions", "/v1/messages"], {
    body: message,
  });
  const body = '{"model":"auto", "max_tokens":1e2,"messages":[],"top_k":12345678901234567890}';
  const outcome = await call("/v1/messages", body);
  expect(seen).toMatchObject([{ url: "/v1/messages", body: body.replace("auto", "real-model") }]);
  expect(answerOf(outcome).body).toEqual(message);
});

test.each([
  [
    400,
    { type: "error", error: { type: "invalid_request_error", message: "No." } },
    "invalid_request_error",
    null,
  ],
  [
    413,
    { type: "error", error: { type: "request_too_large", message: "No." } },
    "invalid_request_error",
    "request_too_large",
  ],
])("an error %d of Anthropic reaches the client as OpenAI's", async (status, body, type, code) => {
  const { call } = await setup("anthropic", ["/v1/messages"], { status, body });
  const outcome = await call("/v1/chat/completions", chat);
  expect(outcome.kind).toBe("refused");
  expect(answerOf(outcome)).toMatchObject({
    statusCode: status,
    body: { error: { message: "No.", type, param: null, code } },
  });
});

test("an error of OpenAI reaches the client of messages as Anthropic's, also when it is no JSON", async () => {
  const { call } = await setup("openai", ["/v1/chat/completions"], { status: 400, body: "<html>" });
  const outcome = await call("/v1/messages", '{"model":"auto","max_tokens":1,"messages":[]}');
  expect(answerOf(outcome).body).toEqual({
    type: "error",
    error: { type: "invalid_request_error", message: "The upstream answered 400." },
    request_id: null,
  });
});

test.each<[string, Answer, object]>([
  [
    "529",
    { status: 529, body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } } },
    { kind: "overloaded", statusCode: 529 },
  ],
  [
    "429 with retry-after",
    {
      status: 429,
      headers: { "retry-after": "7" },
      body: { type: "error", error: { type: "rate_limit_error" } },
    },
    { kind: "throttled", statusCode: 429, retryAfterMs: 7_000 },
  ],
  ["401", { status: 401, body: {} }, { kind: "misconfigured", statusCode: 401 }],
  [
    "200 with an error inside",
    { body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } } },
    { kind: "malformed", reason: "it carries an error" },
  ],
  [
    "200 with what is no message",
    { body: { id: "x", type: "completion", completion: "a secret" } },
    { kind: "malformed", reason: "it cannot be translated: 'content' is not as its dialect describes it" },
  ],
])("Anthropic's %s is what it is anywhere", async (_, answer, outcome) => {
  const { call } = await setup("anthropic", ["/v1/messages"], answer);
  expect(await call("/v1/chat/completions", chat)).toMatchObject(outcome);
});

test("what cannot be translated is never sent", async () => {
  const { call, seen } = await setup("anthropic", ["/v1/messages"], { body: message });
  const outcome = await call("/v1/chat/completions", '{"model":"auto","messages":[],"n":2}');
  expect(outcome).toMatchObject({ kind: "malformed" });
  expect(outcome.sentAfterMs).toBeUndefined();
  expect(seen).toEqual([]);
});

/** Puts the events of a stream together, as the engine does. */
function collect(dialect: Dialect) {
  const accumulator = createAccumulator(dialect);
  const seen: string[] = [];
  const over = (): StreamProgress => {
    const { kind, ...read } = accumulator.read();
    if (kind !== "complete") return { kind: "broken", reason: kind };
    return { kind: "over", body: Buffer.from(JSON.stringify("body" in read ? read.body : {})) };
  };
  const sink: EventSink = {
    take({ name, data }) {
      seen.push(name ?? data);
      if (data === "[DONE]") return over();
      accumulator.add(JSON.parse(data));
      return name === "message_stop" || name === "response.completed"
        ? over()
        : { kind: "more", began: true };
    },
    end: over,
    room: () => undefined,
  };
  return { sink, seen };
}

const eventStream = { "content-type": "text/event-stream" };

test("a followed call is translated while it comes", async () => {
  const body = streamEventsOf("messages", message).map(formatStreamEvent).join("");
  const { call, seen } = await setup("anthropic", ["/v1/messages"], { headers: eventStream, body });
  const { sink, seen: given } = collect("chat");
  const outcome = await call("/v1/chat/completions", chat, sink);
  expect(JSON.parse(seen[0]?.body ?? "")).toMatchObject({
    stream: true,
    model: "real-model",
    max_tokens: 321,
  });
  expect(given.at(-1)).toBe("[DONE]");
  expect(given.join("")).toContain('"delta":{"content":"Hello"}');
  expect(outcome).toMatchObject({
    kind: "succeeded",
    usage: { inputTokens: 7, cachedInputTokens: 4, outputTokens: 5 },
  });
  expect(answerOf(outcome).body).toMatchObject({
    object: "chat.completion",
    choices: [{ message: { content: "Hello" } }],
  });
});

test("a followed call that is answered as a whole is translated as a whole", async () => {
  const { call } = await setup("anthropic", ["/v1/messages"], { body: message });
  const { sink, seen: given } = collect("chat");
  const outcome = await call("/v1/chat/completions", chat, sink);
  expect(given).toEqual([]);
  expect(answerOf(outcome).body).toMatchObject({ choices: [{ message: { content: "Hello" } }] });
});

test("a stream of chat completions reaches the client of messages, and usage that nobody told is not known", async () => {
  const completion = {
    id: "chatcmpl-1",
    choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  };
  const body = `${streamEventsOf("chat", completion).map(formatStreamEvent).join("")}data: [DONE]\n\n`;
  const { call, seen } = await setup("openai", ["/v1/chat/completions"], { headers: eventStream, body });
  const { sink, seen: given } = collect("messages");
  const outcome = await call("/v1/messages", '{"model":"auto","max_tokens":9,"messages":[]}', sink);
  expect(JSON.parse(seen[0]?.body ?? "")).toMatchObject({ stream_options: { include_usage: true } });
  expect(given).toEqual([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(outcome).toMatchObject({ kind: "succeeded", usage: undefined });
  expect(answerOf(outcome).body).toMatchObject({ content: [{ type: "text", text: "Hello" }] });
});

test.each([
  ["ends too early", (events: readonly string[]) => events.slice(0, -1)],
  [
    "fails in the middle",
    (events: readonly string[]) => [
      ...events.slice(0, 3),
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n',
    ],
  ],
  ["is no JSON", () => ["data: {\n\n"]],
])("a followed stream that %s is no success", async (_, change) => {
  const events = streamEventsOf("messages", message).map(formatStreamEvent);
  const { call } = await setup("anthropic", ["/v1/messages"], {
    headers: eventStream,
    body: change(events).join(""),
  });
  const outcome = await call("/v1/chat/completions", chat, collect("chat").sink);
  expect(outcome.kind).toBe("malformed");
});

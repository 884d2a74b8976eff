import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { checkOpenaiValue } from "../../kit/check-openai.ts";

// biome-ignore lint/suspicious/noExplicitAny: an upstream looks into bodies of every shape.
type Body = any;

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

/** An upstream of one dialect that is strict with what it is asked. */
export interface DialectUpstream {
  /** `http://host:port`, without a path. */
  readonly origin: string;
  /** The parsed bodies of all calls. */
  readonly bodies: readonly Body[];
  close(): void;
}

/** What {@link startAnthropicUpstream} asks for as `x-api-key`. */
export const anthropicKey = "sk-ant-test";

/**
 * Anthropic's messages as its documentation describes them: key and version asked for, the shape of every message, tool
 * and result checked. It calls the first tool it is given once, answers JSON where a schema is asked for, and fails as
 * the last text of the user says: `[[529]]`, `[[429]]`, `[[error-200]]` once each, `[[400]]` always.
 */
export function startAnthropicUpstream(): Promise<DialectUpstream> {
  const failed = new Set<string>();
  return start((path, headers, body) => {
    if (path !== "/v1/messages") return anthropicError(404, "not_found_error", path);
    if (headers["x-api-key"] !== anthropicKey)
      return anthropicError(401, "authentication_error", "invalid x-api-key");
    const wrong =
      headers["anthropic-version"] === "2023-06-01"
        ? messagesFault(body)
        : "anthropic-version: header is required";
    if (wrong !== undefined) return anthropicError(400, "invalid_request_error", wrong);
    const mark = /\[\[([\w-]+)\]\]/.exec(JSON.stringify(body.messages.at(-1)))?.[1];
    if (mark === "400") return anthropicError(400, "invalid_request_error", "prompt is too long");
    if (mark !== undefined && !failed.has(mark)) {
      failed.add(mark);
      return failures[mark] ?? anthropicError(500, "api_error", mark);
    }
    return { headers: { "request-id": "req_1" }, body: messageFor(body) };
  });
}

const failures: Readonly<Record<string, Reply>> = {
  "529": anthropicError(529, "overloaded_error", "Overloaded"),
  "429": { ...anthropicError(429, "rate_limit_error", "Slow down"), headers: { "retry-after": "0" } },
  "error-200": { ...anthropicError(200, "overloaded_error", "Overloaded"), status: 200 },
};

function anthropicError(status: number, type: string, message: string): Reply {
  return { status, body: { type: "error", error: { type, message }, request_id: "req_e" } };
}

const messagesFields = new Set(
  "model messages max_tokens system temperature top_p stop_sequences tools tool_choice output_config".split(
    " ",
  ),
);

/** The first thing that Anthropic would not take. */
function messagesFault(body: Body): string | undefined {
  const extra = Object.keys(body).find((key) => !messagesFields.has(key));
  if (extra !== undefined) return `${extra}: Extra inputs are not permitted`;
  if (!Number.isInteger(body.max_tokens)) return "max_tokens: Field required";
  if (!Array.isArray(body.messages) || body.messages[0]?.role !== "user")
    return "messages: first must be user";
  for (const tool of body.tools ?? [])
    if (typeof tool.name !== "string" || tool.input_schema?.type !== "object") return "tools.0.input_schema";
  let called: string[] = [];
  for (const { role, content } of body.messages) {
    const blocks: Body[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
    if (blocks.some(({ type, text: said }) => type === "text" && said === ""))
      return "text must be non-empty";
    const results = blocks.filter(({ type }) => type === "tool_result").map(({ tool_use_id: id }) => id);
    if (role === "user" && JSON.stringify(results) !== JSON.stringify(called))
      return `messages: tool_use ids ${called} need their tool_result at once, got ${results}`;
    called = role === "assistant" ? blocks.filter(({ type }) => type === "tool_use").map(({ id }) => id) : [];
  }
  return undefined;
}

function messageFor(body: Body): object {
  const tool = body.tools?.[0];
  const last = JSON.stringify(body.messages.at(-1));
  const calls = tool !== undefined && body.tool_choice?.type !== "none" && !last.includes("tool_result");
  const said =
    body.output_config?.format === undefined ? `Claude read: ${body.system ?? "nothing"}` : '{"city":"Köln"}';
  return {
    id: "msg_up",
    type: "message",
    role: "assistant",
    model: body.model,
    content: calls
      ? [
          { type: "text", text: "I look." },
          { type: "tool_use", id: "toolu_1", name: tool.name, input: { city: "Köln" } },
        ]
      : [{ type: "text", text: said }],
    stop_reason: calls ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 0, output_tokens: 7 },
  };
}

/**
 * OpenAI's chat completions: every request is held against OpenAI's description. It calls the first tool it is given
 * once, and fails with 400 where the request says `[[400]]`.
 */
export function startChatUpstream(): Promise<DialectUpstream> {
  return start((path, _headers, body) => {
    if (path !== "/v1/chat/completions") return openaiError(404, path);
    try {
      checkOpenaiValue("CreateChatCompletionRequest", body);
    } catch (error) {
      return openaiError(400, String(error));
    }
    if (JSON.stringify(body.messages.at(-1)).includes("[[400]]"))
      return openaiError(400, "prompt is too long");
    return { headers: { "x-request-id": "req_1" }, body: completionFor(body) };
  });
}

function openaiError(status: number, message: string): Reply {
  return {
    status,
    body: { error: { message, type: "invalid_request_error", param: "messages", code: "bad" } },
  };
}

function completionFor(body: Body): object {
  const tool = body.tools?.[0]?.function;
  const calls = tool !== undefined && body.messages.at(-1).role !== "tool";
  const called = {
    id: "call_1",
    type: "function",
    function: { name: tool?.name, arguments: '{"city":"Köln"}' },
  };
  return {
    id: "chatcmpl-up",
    object: "chat.completion",
    created: 1_700_000_000,
    model: body.model,
    choices: [
      {
        index: 0,
        message: calls
          ? { role: "assistant", content: null, refusal: null, tool_calls: [called] }
          : { role: "assistant", content: `GPT read: ${body.messages[0].content}`, refusal: null },
        logprobs: null,
        finish_reason: calls ? "tool_calls" : "stop",
      },
    ],
    usage: {
      prompt_tokens: 15,
      completion_tokens: 7,
      total_tokens: 22,
      prompt_tokens_details: { cached_tokens: 5 },
    },
  };
}

async function start(
  answer: (path: string, headers: IncomingHttpHeaders, body: Body) => Reply,
): Promise<DialectUpstream> {
  const bodies: Body[] = [];
  const server = createServer((request, response) => {
    void text(request).then((sent) => {
      const asked = JSON.parse(sent);
      bodies.push(asked);
      const { status = 200, headers = {}, body } = answer(request.url ?? "", request.headers, asked);
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

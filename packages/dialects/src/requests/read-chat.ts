import { type Fields, isAbsent, isFields } from "../fields.ts";
import type {
  Format,
  NeutralRequest,
  Part,
  Stated,
  Tool,
  ToolCall,
  ToolChoice,
  Turn,
} from "./neutral-request.ts";
import { type Reader, readImageUrl } from "./read-values.ts";
import { checkAgainst, type FieldRule, unreadable } from "./refusals.ts";

type Rules = Readonly<Record<string, FieldRule>>;

const onlyChat = (...unless: unknown[]): FieldRule => ({
  refused: "exists in chat completions only",
  unless,
});

/** What becomes of the fields of a chat completion's request that goes to another dialect (docs/translation.md). */
const bodyRules: Rules = {
  model: "carried",
  messages: "carried",
  max_tokens: "carried",
  max_completion_tokens: "carried",
  temperature: "carried",
  top_p: "carried",
  stop: "carried",
  tools: "carried",
  tool_choice: "carried",
  parallel_tool_calls: "carried",
  response_format: "carried",
  reasoning_effort: "carried",
  verbosity: "carried",
  stream: "dropped",
  stream_options: "dropped",
  metadata: "dropped",
  user: "dropped",
  store: "dropped",
  service_tier: "dropped",
  safety_identifier: "dropped",
  prompt_cache_key: "dropped",
  prompt_cache_retention: "dropped",
  prompt_cache_options: "dropped",
  n: { refused: "asks for several answers, which only chat completions give", unless: [1] },
  audio: { refused: "asks for sound, which is not carried over" },
  modalities: { refused: "asks for more than text, which is not carried over", unless: [["text"]] },
  logprobs: { refused: "asks for log probabilities, which are not carried over", unless: [false] },
  top_logprobs: { refused: "asks for log probabilities, which are not carried over", unless: [0] },
  web_search_options: { refused: "is a built-in tool, which is not carried over" },
  functions: { refused: "is the old way to name tools; use tools", unless: [[]] },
  function_call: { refused: "is the old way to choose a tool; use tool_choice" },
  frequency_penalty: onlyChat(0),
  presence_penalty: onlyChat(0),
  logit_bias: onlyChat({}),
  seed: onlyChat(),
  prediction: onlyChat(),
  moderation: onlyChat(),
};

const role: Rules = { role: "carried", content: "carried" };
const name: FieldRule = { refused: "exists in chat completions only" };
const sound: FieldRule = { refused: "is sound, which is not carried over" };
const messageRules: Readonly<Record<string, Rules>> = {
  system: { ...role, name },
  developer: { ...role, name },
  user: { ...role, name },
  assistant: {
    ...role,
    name,
    refusal: "carried",
    tool_calls: "carried",
    // What an answer has, and comes back with it: it is not part of what was said.
    annotations: "dropped",
    reasoning: "dropped",
    reasoning_content: "dropped",
    audio: sound,
    function_call: { refused: "is the old way to call tools; use tool_calls" },
  },
  tool: { ...role, tool_call_id: "carried" },
};

/** Reads the body of a request for `/v1/chat/completions`. */
export function readChatRequest(reader: Reader, body: Fields): NeutralRequest {
  checkAgainst(reader.refusals, bodyRules, { fields: body, at: "" });
  if (!Array.isArray(body["messages"])) reader.refusals.refuse("messages", unreadable);
  return {
    turns: reader.objects(body["messages"], "messages").flatMap((message) => readMessage(reader, message)),
    tools: reader.objects(body["tools"], "tools").map((tool) => readTool(reader, tool)),
    toolChoice: readToolChoice(reader, body["tool_choice"]),
    parallelCalls: reader.flag(body["parallel_tool_calls"], "parallel_tool_calls"),
    format: readFormat(reader, body["response_format"]),
    maxTokens:
      reader.number(body["max_completion_tokens"], "max_completion_tokens") ??
      reader.number(body["max_tokens"], "max_tokens"),
    temperature: stated("temperature", reader.number(body["temperature"], "temperature")),
    topP: reader.number(body["top_p"], "top_p"),
    stop: readStop(reader, body["stop"]),
    effort: stated("reasoning_effort", reader.optionalText(body["reasoning_effort"], "reasoning_effort")),
    verbosity: stated("verbosity", reader.optionalText(body["verbosity"], "verbosity")),
  };
}

/** A value with its place, if there is one. */
export function stated<T>(at: string, value: T | undefined): Stated<T> | undefined {
  return value === undefined ? undefined : { at, value };
}

interface Placed {
  readonly at: string;
  readonly fields: Fields;
}

function readMessage(reader: Reader, { at, fields }: Placed): Turn[] {
  const said = fields["role"];
  const rules =
    typeof said === "string" && Object.hasOwn(messageRules, said) ? messageRules[said] : undefined;
  if (rules === undefined) {
    reader.refusals.refuse(`${at}.role`, said === "function" ? "is the old way to answer tools" : unreadable);
    return [];
  }
  checkAgainst(reader.refusals, rules, { fields, at });
  const parts = readContent(reader, fields["content"], `${at}.content`);
  switch (said) {
    case "assistant": {
      const refusal = reader.optionalText(fields["refusal"], `${at}.refusal`);
      const calls = reader.objects(fields["tool_calls"], `${at}.tool_calls`);
      return [
        {
          at,
          kind: "assistant",
          parts: refusal === undefined ? parts : [...parts, { kind: "refusal", text: refusal }],
          calls: calls.map((call) => readCall(reader, call)),
        },
      ];
    }
    case "tool":
      return [
        { at, kind: "result", callId: reader.text(fields["tool_call_id"], `${at}.tool_call_id`), parts },
      ];
    case "user":
      return [{ at, kind: "user", parts }];
    default:
      return [{ at, kind: "system", role: said === "developer" ? said : "system", parts }];
  }
}

function readContent(reader: Reader, content: unknown, at: string): Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  return reader.objects(content, at).flatMap(({ at: place, fields }): Part[] => {
    switch (fields["type"]) {
      case "text":
        return [{ kind: "text", text: reader.text(fields["text"], `${place}.text`) }];
      case "refusal":
        return [{ kind: "refusal", text: reader.text(fields["refusal"], `${place}.refusal`) }];
      case "image_url": {
        const image = reader.object(fields["image_url"], `${place}.image_url`);
        const source = readImageUrl(reader, image["url"], `${place}.image_url.url`);
        return [
          {
            kind: "image",
            source,
            detail: reader.optionalText(image["detail"], `${place}.image_url.detail`),
          },
        ];
      }
      case "input_audio":
        reader.refusals.refuse(`${place}.input_audio`, "is sound, which is not carried over");
        return [];
      case "file":
        reader.refusals.refuse(`${place}.file`, "is a file, which is not carried over");
        return [];
      default:
        reader.refusals.refuse(`${place}.type`, unreadable);
        return [];
    }
  });
}

function readCall(reader: Reader, { at, fields }: Placed): ToolCall {
  if (fields["type"] === "custom")
    reader.refusals.refuse(`${at}.custom`, "is a custom tool, which is not carried over");
  const called = reader.object(fields["function"], `${at}.function`);
  return {
    at: `${at}.function.arguments`,
    id: reader.text(fields["id"], `${at}.id`),
    name: reader.text(called["name"], `${at}.function.name`),
    arguments: reader.text(called["arguments"], `${at}.function.arguments`),
  };
}

function readTool(reader: Reader, { at, fields }: Placed): Tool {
  if (fields["type"] !== "function")
    reader.refusals.refuse(
      `${at}.type`,
      "is a tool of another kind than function, which is not carried over",
    );
  const tool = reader.object(fields["function"], `${at}.function`);
  return {
    name: reader.text(tool["name"], `${at}.function.name`),
    description: reader.optionalText(tool["description"], `${at}.function.description`),
    parameters: reader.optionalObject(tool["parameters"], `${at}.function.parameters`),
    strict: reader.flag(tool["strict"], `${at}.function.strict`),
  };
}

function readToolChoice(reader: Reader, value: unknown): ToolChoice | undefined {
  if (isAbsent(value)) return undefined;
  if (value === "auto" || value === "none" || value === "required") return { kind: value };
  if (isFields(value) && value["type"] === "function" && isFields(value["function"]))
    return { kind: "tool", name: reader.text(value["function"]["name"], "tool_choice.function.name") };
  reader.refusals.refuse("tool_choice", "chooses among tools in a way that is not carried over");
  return undefined;
}

function readFormat(reader: Reader, value: unknown): Stated<Format> | undefined {
  const at = "response_format";
  const format = reader.optionalObject(value, at);
  if (format === undefined) return undefined;
  if (format["type"] === "text") return { at, value: { kind: "text" } };
  if (format["type"] === "json_object") return { at, value: { kind: "json" } };
  if (format["type"] !== "json_schema") {
    reader.refusals.refuse(`${at}.type`, unreadable);
    return undefined;
  }
  return {
    at,
    value: readSchema(reader, reader.object(format["json_schema"], `${at}.json_schema`), `${at}.json_schema`),
  };
}

/** The fields of a JSON schema's format, which OpenAI's two dialects have in different places. */
export function readSchema(reader: Reader, fields: Fields, at: string): Format {
  return {
    kind: "schema",
    name: reader.optionalText(fields["name"], `${at}.name`),
    description: reader.optionalText(fields["description"], `${at}.description`),
    schema: reader.object(fields["schema"], `${at}.schema`),
    strict: reader.flag(fields["strict"], `${at}.strict`),
  };
}

function readStop(reader: Reader, value: unknown): Stated<readonly string[]> | undefined {
  if (isAbsent(value)) return undefined;
  const all: unknown[] = Array.isArray(value) ? value : [value];
  const texts = all.map((each, index) => reader.text(each, Array.isArray(value) ? `stop[${index}]` : "stop"));
  return texts.length === 0 ? undefined : { at: "stop", value: texts };
}

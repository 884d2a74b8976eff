import { type Fields, isAbsent } from "../fields.ts";
import type {
  Format,
  ImageSource,
  NeutralRequest,
  Part,
  Stated,
  Tool,
  ToolCall,
  ToolChoice,
  Turn,
} from "./neutral-request.ts";
import { stated } from "./read-chat.ts";
import type { Reader } from "./read-values.ts";
import { checkAgainst, type FieldRule, unreadable } from "./refusals.ts";

type Rules = Readonly<Record<string, FieldRule>>;

const onlyMessages = (...unless: unknown[]): FieldRule => ({ refused: "exists in messages only", unless });
const thinking = "is reasoning that only its model can read";

/** What becomes of the fields of a message's request that goes to another dialect (docs/translation.md). */
const bodyRules: Rules = {
  model: "carried",
  messages: "carried",
  system: "carried",
  max_tokens: "carried",
  temperature: "carried",
  top_p: "carried",
  stop_sequences: "carried",
  tools: "carried",
  tool_choice: "carried",
  output_config: "carried",
  stream: "dropped",
  metadata: "dropped",
  service_tier: "dropped",
  cache_control: "dropped",
  speed: "dropped",
  diagnostics: "dropped",
  thinking: { refused: "asks for thinking, which is not carried over", unless: [{ type: "disabled" }] },
  top_k: onlyMessages(),
  container: onlyMessages(),
  mcp_servers: onlyMessages([]),
  context_management: onlyMessages(),
  inference_geo: onlyMessages(),
  output_format: { refused: "is the old way to ask for a format; use output_config.format" },
};

const toolRules: Rules = {
  type: "carried",
  name: "carried",
  description: "carried",
  input_schema: "carried",
  strict: "carried",
  cache_control: "dropped",
  eager_input_streaming: "dropped",
  defer_loading: onlyMessages(false),
  allowed_callers: onlyMessages(["direct"]),
  input_examples: onlyMessages([]),
};

/** Reads the body of a request for `/v1/messages`. */
export function readMessagesRequest(reader: Reader, body: Fields): NeutralRequest {
  checkAgainst(reader.refusals, bodyRules, { fields: body, at: "" });
  if (!Array.isArray(body["messages"])) reader.refusals.refuse("messages", unreadable);
  const system = readBlocks(reader, body["system"], "system").parts;
  const config = reader.optionalObject(body["output_config"], "output_config") ?? {};
  checkAgainst(
    reader.refusals,
    { effort: "carried", format: "carried" },
    { fields: config, at: "output_config" },
  );
  const effort = reader.optionalText(config["effort"], "output_config.effort");
  return {
    turns: [
      ...(system.length === 0
        ? []
        : [{ at: "system", kind: "system", role: "system", parts: system } as const]),
      ...reader.objects(body["messages"], "messages").flatMap((message) => readMessage(reader, message)),
    ],
    tools: reader.objects(body["tools"], "tools").map((tool) => readTool(reader, tool)),
    ...readToolChoice(reader, body["tool_choice"]),
    format: readFormat(reader, config["format"]),
    maxTokens: reader.number(body["max_tokens"], "max_tokens"),
    temperature: stated("temperature", reader.number(body["temperature"], "temperature")),
    topP: reader.number(body["top_p"], "top_p"),
    stop: readStop(reader, body["stop_sequences"]),
    effort: stated("output_config.effort", effort),
    verbosity: undefined,
  };
}

interface Placed {
  readonly at: string;
  readonly fields: Fields;
}

function readMessage(reader: Reader, { at, fields }: Placed): Turn[] {
  checkAgainst(reader.refusals, { role: "carried", content: "carried" }, { fields, at });
  const { parts, calls, results } = readBlocks(reader, fields["content"], `${at}.content`);
  switch (fields["role"]) {
    case "assistant":
      return [{ at, kind: "assistant", parts, calls }];
    case "user":
      // Elsewhere the results of tools come before what the user goes on to say.
      return parts.length > 0 || results.length === 0 ? [...results, { at, kind: "user", parts }] : results;
    case "system":
      return [{ at, kind: "system", role: "system", parts }];
    default:
      reader.refusals.refuse(`${at}.role`, unreadable);
      return [];
  }
}

interface Blocks {
  readonly parts: Part[];
  readonly calls: ToolCall[];
  readonly results: Turn[];
}

function readBlocks(reader: Reader, content: unknown, at: string): Blocks {
  const blocks: Blocks = { parts: [], calls: [], results: [] };
  if (typeof content === "string") {
    if (content !== "") blocks.parts.push({ kind: "text", text: content });
    return blocks;
  }
  for (const placed of reader.objects(content, at)) readBlock(reader, placed, blocks);
  return blocks;
}

function readBlock(reader: Reader, { at, fields }: Placed, { parts, calls, results }: Blocks): void {
  switch (fields["type"]) {
    case "text": {
      const rules: Rules = {
        type: "carried",
        text: "carried",
        cache_control: "dropped",
        citations: onlyMessages([]),
      };
      checkAgainst(reader.refusals, rules, { fields, at });
      parts.push({ kind: "text", text: reader.text(fields["text"], `${at}.text`) });
      return;
    }
    case "image":
      parts.push({ kind: "image", source: readSource(reader, fields["source"], `${at}.source`) });
      return;
    case "tool_use":
      calls.push({
        at: `${at}.input`,
        id: reader.text(fields["id"], `${at}.id`),
        name: reader.text(fields["name"], `${at}.name`),
        arguments: JSON.stringify(fields["input"] ?? {}),
      });
      return;
    case "tool_result": {
      const callId = reader.text(fields["tool_use_id"], `${at}.tool_use_id`);
      results.push({
        at,
        kind: "result",
        callId,
        parts: readBlocks(reader, fields["content"], `${at}.content`).parts,
      });
      return;
    }
    case "thinking":
    case "redacted_thinking":
      reader.refusals.refuse(at, thinking);
      return;
    default:
      reader.refusals.refuse(at, "is a block that is not carried over");
  }
}

function readSource(reader: Reader, value: unknown, at: string): ImageSource {
  const source = reader.object(value, at);
  if (source["type"] === "base64")
    return {
      kind: "data",
      mediaType: reader.text(source["media_type"], `${at}.media_type`),
      data: reader.text(source["data"], `${at}.data`),
    };
  if (source["type"] === "url") return { kind: "url", url: reader.text(source["url"], `${at}.url`) };
  reader.refusals.refuse(at, "refers to what the provider keeps, which other targets do not have");
  return { kind: "url", url: "" };
}

function readTool(reader: Reader, { at, fields }: Placed): Tool {
  if (!isAbsent(fields["type"]) && fields["type"] !== "custom")
    reader.refusals.refuse(`${at}.type`, "is a built-in tool, which is not carried over");
  else checkAgainst(reader.refusals, toolRules, { fields, at });
  return {
    name: reader.text(fields["name"], `${at}.name`),
    description: reader.optionalText(fields["description"], `${at}.description`),
    parameters: reader.optionalObject(fields["input_schema"], `${at}.input_schema`),
    strict: reader.flag(fields["strict"], `${at}.strict`),
  };
}

function readToolChoice(
  reader: Reader,
  value: unknown,
): { readonly toolChoice: ToolChoice | undefined; readonly parallelCalls: boolean | undefined } {
  const at = "tool_choice";
  const choice = reader.optionalObject(value, at);
  if (choice === undefined) return { toolChoice: undefined, parallelCalls: undefined };
  const serial = reader.flag(choice["disable_parallel_tool_use"], `${at}.disable_parallel_tool_use`);
  return {
    toolChoice: kindOfChoice(reader, choice),
    parallelCalls: serial === undefined ? undefined : !serial,
  };
}

function kindOfChoice(reader: Reader, choice: Fields): ToolChoice | undefined {
  switch (choice["type"]) {
    case "auto":
    case "none":
      return { kind: choice["type"] };
    case "any":
      return { kind: "required" };
    case "tool":
      return { kind: "tool", name: reader.text(choice["name"], "tool_choice.name") };
    default:
      reader.refusals.refuse("tool_choice.type", unreadable);
      return undefined;
  }
}

function readFormat(reader: Reader, value: unknown): Stated<Format> | undefined {
  const at = "output_config.format";
  const format = reader.optionalObject(value, at);
  if (format === undefined) return undefined;
  if (format["type"] !== "json_schema") reader.refusals.refuse(`${at}.type`, unreadable);
  const schema = reader.object(format["schema"], `${at}.schema`);
  // There every schema is kept to strictly.
  return { at, value: { kind: "schema", name: undefined, description: undefined, schema, strict: true } };
}

function readStop(reader: Reader, value: unknown): Stated<readonly string[]> | undefined {
  if (isAbsent(value)) return undefined;
  const at = "stop_sequences";
  if (!Array.isArray(value)) reader.refusals.refuse(at, unreadable);
  const texts = Array.isArray(value) ? value.map((each, index) => reader.text(each, `${at}[${index}]`)) : [];
  return texts.length === 0 ? undefined : { at, value: texts };
}

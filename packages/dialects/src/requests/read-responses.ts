import { type Fields, isAbsent, isFields } from "../fields.ts";
import type { Format, NeutralRequest, Part, Stated, Tool, ToolChoice, Turn } from "./neutral-request.ts";
import { readSchema, stated } from "./read-chat.ts";
import { type Reader, readImageUrl } from "./read-values.ts";
import { checkAgainst, type FieldRule, unreadable } from "./refusals.ts";

type Rules = Readonly<Record<string, FieldRule>>;

const state: FieldRule = { refused: "refers to what the provider keeps, which other targets do not have" };
const onlyResponses = (...unless: unknown[]): FieldRule => ({ refused: "exists in responses only", unless });

/** What becomes of the fields of a response's request that goes to another dialect (docs/translation.md). */
const bodyRules: Rules = {
  model: "carried",
  input: "carried",
  instructions: "carried",
  max_output_tokens: "carried",
  temperature: "carried",
  top_p: "carried",
  tools: "carried",
  tool_choice: "carried",
  parallel_tool_calls: "carried",
  text: "carried",
  reasoning: "carried",
  stream: "dropped",
  stream_options: "dropped",
  background: "dropped",
  metadata: "dropped",
  user: "dropped",
  store: "dropped",
  service_tier: "dropped",
  safety_identifier: "dropped",
  prompt_cache_key: "dropped",
  prompt_cache_retention: "dropped",
  prompt_cache_options: "dropped",
  previous_response_id: state,
  conversation: state,
  prompt: state,
  include: { refused: "asks for what only responses give", unless: [[]] },
  top_logprobs: { refused: "asks for log probabilities, which are not carried over", unless: [0] },
  truncation: onlyResponses("disabled"),
  max_tool_calls: onlyResponses(),
  context_management: onlyResponses(),
  moderation: onlyResponses(),
};

const item: Rules = { type: "carried", id: "dropped", status: "dropped" };
const itemRules: Readonly<Record<string, Rules>> = {
  message: { ...item, role: "carried", content: "carried", phase: "dropped" },
  function_call: { ...item, call_id: "carried", name: "carried", arguments: "carried" },
  function_call_output: { ...item, call_id: "carried", output: "carried" },
};

/** Reads the body of a request for `/v1/responses`. */
export function readResponsesRequest(reader: Reader, body: Fields): NeutralRequest {
  checkAgainst(reader.refusals, bodyRules, { fields: body, at: "" });
  const instructions = reader.optionalText(body["instructions"], "instructions");
  const text = reader.optionalObject(body["text"], "text") ?? {};
  checkAgainst(reader.refusals, { format: "carried", verbosity: "carried" }, { fields: text, at: "text" });
  return {
    turns: [
      ...(instructions === undefined ? [] : [systemTurn(instructions)]),
      ...readInput(reader, body["input"]),
    ],
    tools: reader.objects(body["tools"], "tools").map((tool) => readTool(reader, tool)),
    toolChoice: readToolChoice(reader, body["tool_choice"]),
    parallelCalls: reader.flag(body["parallel_tool_calls"], "parallel_tool_calls"),
    format: readFormat(reader, text["format"]),
    maxTokens: reader.number(body["max_output_tokens"], "max_output_tokens"),
    temperature: stated("temperature", reader.number(body["temperature"], "temperature")),
    topP: reader.number(body["top_p"], "top_p"),
    stop: undefined,
    effort: readEffort(reader, body["reasoning"]),
    verbosity: stated("text.verbosity", reader.optionalText(text["verbosity"], "text.verbosity")),
  };
}

function systemTurn(text: string): Turn {
  return { at: "instructions", kind: "system", role: "system", parts: [{ kind: "text", text }] };
}

interface Placed {
  readonly at: string;
  readonly fields: Fields;
}

function readInput(reader: Reader, input: unknown): Turn[] {
  if (typeof input === "string")
    return [{ at: "input", kind: "user", parts: [{ kind: "text", text: input }] }];
  if (!Array.isArray(input)) reader.refusals.refuse("input", unreadable);
  const turns: Turn[] = [];
  for (const placed of reader.objects(input, "input")) {
    const turn = readItem(reader, placed);
    const last = turns.at(-1);
    // What the model said and the tools that it called at once are one turn elsewhere.
    if (turn?.kind === "assistant" && last?.kind === "assistant")
      turns[turns.length - 1] = {
        ...last,
        parts: [...last.parts, ...turn.parts],
        calls: [...last.calls, ...turn.calls],
      };
    else if (turn !== undefined) turns.push(turn);
  }
  return turns;
}

function readItem(reader: Reader, { at, fields }: Placed): Turn | undefined {
  const type = fields["type"] ?? "message";
  const rules = typeof type === "string" && Object.hasOwn(itemRules, type) ? itemRules[type] : undefined;
  if (rules === undefined) {
    const reason = type === "reasoning" ? "is reasoning that only its model can read" : "is not carried over";
    reader.refusals.refuse(at, reason);
    return undefined;
  }
  checkAgainst(reader.refusals, rules, { fields, at });
  switch (type) {
    case "function_call": {
      const call = {
        at: `${at}.arguments`,
        id: reader.text(fields["call_id"], `${at}.call_id`),
        name: reader.text(fields["name"], `${at}.name`),
        arguments: reader.text(fields["arguments"], `${at}.arguments`),
      };
      return { at, kind: "assistant", parts: [], calls: [call] };
    }
    case "function_call_output": {
      const parts = readContent(reader, fields["output"], `${at}.output`);
      return { at, kind: "result", callId: reader.text(fields["call_id"], `${at}.call_id`), parts };
    }
    default:
      return readMessage(reader, { at, fields });
  }
}

function readMessage(reader: Reader, { at, fields }: Placed): Turn | undefined {
  const parts = readContent(reader, fields["content"], `${at}.content`);
  switch (fields["role"]) {
    case "user":
      return { at, kind: "user", parts };
    case "assistant":
      return { at, kind: "assistant", parts, calls: [] };
    case "system":
    case "developer":
      return { at, kind: "system", role: fields["role"], parts };
    default:
      reader.refusals.refuse(`${at}.role`, unreadable);
      return undefined;
  }
}

function readContent(reader: Reader, content: unknown, at: string): Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  return reader.objects(content, at).flatMap(({ at: place, fields }): Part[] => {
    switch (fields["type"]) {
      case "input_text":
      case "output_text":
        return [{ kind: "text", text: reader.text(fields["text"], `${place}.text`) }];
      case "refusal":
        return [{ kind: "refusal", text: reader.text(fields["refusal"], `${place}.refusal`) }];
      case "input_image": {
        if (!isAbsent(fields["file_id"])) reader.refusals.refuse(`${place}.file_id`, stateReason);
        const source = readImageUrl(reader, fields["image_url"], `${place}.image_url`);
        return [{ kind: "image", source, detail: reader.optionalText(fields["detail"], `${place}.detail`) }];
      }
      case "input_file":
      case "input_audio":
        reader.refusals.refuse(place, "is a file or sound, which is not carried over");
        return [];
      default:
        reader.refusals.refuse(`${place}.type`, unreadable);
        return [];
    }
  });
}

const stateReason = "refers to what the provider keeps, which other targets do not have";

function readTool(reader: Reader, { at, fields }: Placed): Tool {
  if (fields["type"] !== "function")
    reader.refusals.refuse(
      `${at}.type`,
      "is a tool of another kind than function, which is not carried over",
    );
  return {
    name: reader.text(fields["name"], `${at}.name`),
    description: reader.optionalText(fields["description"], `${at}.description`),
    parameters: reader.optionalObject(fields["parameters"], `${at}.parameters`),
    strict: reader.flag(fields["strict"], `${at}.strict`),
  };
}

function readToolChoice(reader: Reader, value: unknown): ToolChoice | undefined {
  if (isAbsent(value)) return undefined;
  if (value === "auto" || value === "none" || value === "required") return { kind: value };
  if (isFields(value) && value["type"] === "function")
    return { kind: "tool", name: reader.text(value["name"], "tool_choice.name") };
  reader.refusals.refuse("tool_choice", "chooses among tools in a way that is not carried over");
  return undefined;
}

function readFormat(reader: Reader, value: unknown): Stated<Format> | undefined {
  const at = "text.format";
  const format = reader.optionalObject(value, at);
  switch (format?.["type"]) {
    case undefined:
      return undefined;
    case "text":
      return { at, value: { kind: "text" } };
    case "json_object":
      return { at, value: { kind: "json" } };
    case "json_schema":
      return { at, value: readSchema(reader, format ?? {}, at) };
    default:
      reader.refusals.refuse(`${at}.type`, unreadable);
      return undefined;
  }
}

function readEffort(reader: Reader, value: unknown): Stated<string> | undefined {
  const reasoning = reader.optionalObject(value, "reasoning") ?? {};
  const summary: FieldRule = { refused: "asks for what only responses give" };
  checkAgainst(
    reader.refusals,
    { effort: "carried", summary, generate_summary: summary },
    { fields: reasoning, at: "reasoning" },
  );
  return stated("reasoning.effort", reader.optionalText(reasoning["effort"], "reasoning.effort"));
}

import { type Fields, isFields, withoutUndefined } from "../fields.ts";
import {
  type Format,
  type NeutralRequest,
  noParameters,
  type Part,
  type ToolCall,
  type Turn,
} from "./neutral-request.ts";
import type { Refusals } from "./refusals.ts";

type Written = Record<string, unknown>;

const efforts: ReadonlySet<string> = new Set(["low", "medium", "high", "xhigh", "max"]);

/** Writes a request for `/v1/messages`, without its model. `defaultMaxTokens` stands in for a bound that nobody stated. */
export function writeMessagesRequest(
  refusals: Refusals,
  request: NeutralRequest,
  defaultMaxTokens: number,
): Written {
  const { temperature, effort, verbosity } = request;
  if (temperature !== undefined && temperature.value > 1)
    refusals.refuse(temperature.at, "is above 1, the most that messages take");
  if (effort !== undefined && !efforts.has(effort.value))
    refusals.refuse(effort.at, "is an effort that messages do not know");
  if (verbosity !== undefined) refusals.refuse(verbosity.at, "has no counterpart in messages");
  const { system, rest } = splitSystem(request.turns);
  const config = withoutUndefined({
    effort: effort?.value,
    format: writeFormat(refusals, request.format?.at ?? "", request.format?.value),
  });
  return withoutUndefined({
    max_tokens: request.maxTokens ?? defaultMaxTokens,
    system: system.length === 0 ? undefined : writeContent(refusals, "", system),
    messages: writeTurns(refusals, rest),
    temperature: temperature?.value,
    top_p: request.topP,
    stop_sequences: request.stop?.value,
    tools: request.tools.length === 0 ? undefined : request.tools.map(writeTool),
    tool_choice: writeToolChoice(request),
    output_config: Object.keys(config).length === 0 ? undefined : config,
  });
}

/** Instructions at the beginning have a field of their own; later ones stay where they are. */
function splitSystem(turns: readonly Turn[]): {
  readonly system: readonly Part[];
  readonly rest: readonly Turn[];
} {
  const first = turns.findIndex(({ kind }) => kind !== "system");
  const end = first === -1 ? turns.length : first;
  return { system: turns.slice(0, end).flatMap(({ parts }) => parts), rest: turns.slice(end) };
}

/** What users say and results of tools that follow each other are one message. */
function writeTurns(refusals: Refusals, turns: readonly Turn[]): Written[] {
  const messages: { role: string; blocks: unknown[]; text: string | undefined }[] = [];
  for (const turn of turns) {
    const role = turn.kind === "assistant" || turn.kind === "system" ? turn.kind : "user";
    const blocks = writeBlocks(refusals, turn);
    const last = messages.at(-1);
    if (role === "user" && last?.role === "user") {
      last.blocks.push(...blocks);
      last.text = undefined;
    } else messages.push({ role, blocks, text: onlyText(turn) });
  }
  return messages.map(({ role, blocks, text }) => ({ role, content: text ?? blocks }));
}

/** Content that is one text can be written without a block. */
function onlyText(turn: Turn): string | undefined {
  if (turn.kind === "result" || (turn.kind === "assistant" && turn.calls.length > 0)) return undefined;
  const [first, second] = turn.parts;
  return second === undefined && first?.kind === "text" ? first.text : undefined;
}

function writeBlocks(refusals: Refusals, turn: Turn): unknown[] {
  switch (turn.kind) {
    case "result":
      return [
        {
          type: "tool_result",
          tool_use_id: turn.callId,
          content: writeContent(refusals, turn.at, turn.parts, "images"),
        },
      ];
    case "user":
      return turn.parts.map(writePart);
    case "system":
      return textsOf(refusals, turn.at, turn.parts);
    case "assistant":
      return [
        ...textsOf(refusals, turn.at, turn.parts),
        ...turn.calls.map((call) => writeCall(refusals, call)),
      ];
  }
}

function writeContent(refusals: Refusals, at: string, parts: readonly Part[], may?: "images"): unknown {
  const [first] = parts;
  if (first === undefined) return "";
  if (parts.length === 1 && first.kind !== "image") return first.text;
  return may === "images" ? parts.map(writePart) : textsOf(refusals, at, parts);
}

function textsOf(refusals: Refusals, at: string, parts: readonly Part[]): unknown[] {
  if (parts.some(({ kind }) => kind === "image"))
    refusals.refuse(at, "holds an image where messages take only text");
  return parts.map(writePart);
}

/** What the model refused with is text like any other there. */
function writePart(part: Part): Written {
  if (part.kind !== "image") return { type: "text", text: part.text };
  const { source } = part;
  return {
    type: "image",
    source:
      source.kind === "url"
        ? { type: "url", url: source.url }
        : { type: "base64", media_type: source.mediaType, data: source.data },
  };
}

function writeCall(refusals: Refusals, { at, id, name, arguments: text }: ToolCall): Written {
  const input = parseInput(text);
  if (input === undefined) refusals.refuse(at, "is not a JSON object, which messages take");
  return { type: "tool_use", id, name, input: input ?? {} };
}

/** The arguments of a call as an object; `undefined` if they are none. No text at all is no arguments. */
export function parseInput(text: string): Fields | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function writeTool({ name, description, parameters, strict }: NeutralRequest["tools"][number]): Written {
  return withoutUndefined({ name, description, input_schema: parameters ?? noParameters, strict });
}

function writeToolChoice({ tools, toolChoice, parallelCalls }: NeutralRequest): unknown {
  if (tools.length === 0) return undefined;
  if (toolChoice === undefined && parallelCalls !== false) return undefined;
  const serial = parallelCalls === undefined ? {} : { disable_parallel_tool_use: !parallelCalls };
  switch (toolChoice?.kind) {
    case "none":
      return { type: "none" };
    case "required":
      return { type: "any", ...serial };
    case "tool":
      return { type: "tool", name: toolChoice.name, ...serial };
    case "auto":
    case undefined:
      return { type: "auto", ...serial };
  }
}

function writeFormat(refusals: Refusals, at: string, format: Format | undefined): unknown {
  if (format?.kind === "json")
    refusals.refuse(at, "asks for JSON without a schema, which messages do not know");
  if (format?.kind !== "schema") return undefined;
  const { description, schema } = format;
  const described = description === undefined || schema["description"] !== undefined;
  return { type: "json_schema", schema: described ? schema : { description, ...schema } };
}

import { countOf, type Fields, isAbsent, isFields, objectsOf, textOf } from "../fields.ts";
import type { Reader } from "../requests/read-values.ts";
import { unreadable } from "../requests/refusals.ts";
import type { AnswerDefaults, AnswerItem, AnswerUsage, Finish, NeutralAnswer } from "./neutral-answer.ts";

/** Reads a complete answer of `/v1/chat/completions` with one choice. */
export function readChatAnswer(reader: Reader, body: Fields, defaults: AnswerDefaults): NeutralAnswer {
  const choices = reader.objects(body["choices"], "choices");
  if (choices.length !== 1) reader.refusals.refuse("choices", "is not one answer");
  const choice = choices[0]?.fields ?? {};
  const at = "choices[0].message";
  const message = reader.object(choice["message"], at);
  for (const other of ["audio", "function_call"])
    if (!isAbsent(message[other])) reader.refusals.refuse(`${at}.${other}`, "is not carried over");
  const text = reader.optionalText(message["content"], `${at}.content`);
  const refusal = reader.optionalText(message["refusal"], `${at}.refusal`);
  return {
    ...identity(body, defaults),
    createdAt: countOf(body["created"]) ?? defaults.createdAt,
    items: [
      ...(text === undefined || text === "" ? [] : [{ kind: "text", text } as const]),
      ...(isAbsent(refusal) || refusal === "" ? [] : [{ kind: "refusal", text: refusal } as const]),
      ...reader.objects(message["tool_calls"], `${at}.tool_calls`).map((call) => readChatCall(reader, call)),
    ],
    finish: chatFinishes[textOf(choice["finish_reason"]) ?? ""] ?? "stop",
    // vLLM and SGLang say there what the answer stopped at.
    stopSequence: textOf(choice["stop_reason"]) ?? textOf(choice["matched_stop"]),
    usage: readOpenaiUsage(body["usage"], "prompt_tokens", "completion_tokens"),
  };
}

/** What ends of chat completions mean; others are `stop`. */
export const chatFinishes: Readonly<Record<string, Finish>> = {
  length: "length",
  content_filter: "filtered",
};

function readChatCall(
  reader: Reader,
  { at, fields }: { readonly at: string; readonly fields: Fields },
): AnswerItem {
  const called = reader.object(fields["function"], `${at}.function`);
  return {
    kind: "call",
    at: `${at}.function.arguments`,
    id: reader.text(fields["id"], `${at}.id`),
    name: reader.text(called["name"], `${at}.function.name`),
    arguments: reader.text(called["arguments"], `${at}.function.arguments`),
  };
}

/** Reads a response that has ended well or was cut. */
export function readResponsesAnswer(reader: Reader, body: Fields, defaults: AnswerDefaults): NeutralAnswer {
  const { status } = body;
  if (status !== "completed" && status !== "incomplete")
    reader.refusals.refuse("status", "is not that of an answer");
  if (!Array.isArray(body["output"])) reader.refusals.refuse("output", unreadable);
  const items = reader.objects(body["output"], "output").flatMap((item) => readOutputItem(reader, item));
  return {
    ...identity(body, defaults),
    createdAt: countOf(body["created_at"]) ?? defaults.createdAt,
    items,
    finish: status === "incomplete" ? cutFinish(body["incomplete_details"]) : "stop",
    stopSequence: undefined,
    usage: readOpenaiUsage(body["usage"], "input_tokens", "output_tokens"),
  };
}

/** Why a response is incomplete. */
export function cutFinish(details: unknown): Finish {
  return isFields(details) && details["reason"] === "content_filter" ? "filtered" : "length";
}

function readOutputItem(
  reader: Reader,
  { at, fields }: { readonly at: string; readonly fields: Fields },
): AnswerItem[] {
  switch (fields["type"]) {
    case "message":
      return reader
        .objects(fields["content"], `${at}.content`)
        .map(({ at: place, fields: part }) =>
          part["type"] === "refusal"
            ? { kind: "refusal", text: reader.text(part["refusal"], `${place}.refusal`) }
            : { kind: "text", text: reader.text(part["text"], `${place}.text`) },
        );
    case "function_call":
      return [
        {
          kind: "call",
          at: `${at}.arguments`,
          id: reader.text(fields["call_id"], `${at}.call_id`),
          name: reader.text(fields["name"], `${at}.name`),
          arguments: reader.text(fields["arguments"], `${at}.arguments`),
        },
      ];
    case "reasoning":
      return [];
    default:
      reader.refusals.refuse(at, "is not carried over");
      return [];
  }
}

/** Reads a complete message. */
export function readMessagesAnswer(reader: Reader, body: Fields, defaults: AnswerDefaults): NeutralAnswer {
  if (!Array.isArray(body["content"])) reader.refusals.refuse("content", unreadable);
  const stopped = textOf(body["stop_reason"]) ?? "";
  return {
    ...identity(body, defaults),
    createdAt: defaults.createdAt,
    items: reader.objects(body["content"], "content").flatMap((block) => readBlock(reader, block)),
    finish: messagesFinishes[stopped] ?? "stop",
    stopSequence: textOf(body["stop_sequence"]),
    usage: readMessagesUsage(body["usage"]),
  };
}

/** What ends of messages mean; others are `stop`. */
export const messagesFinishes: Readonly<Record<string, Finish>> = {
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "filtered",
};

function readBlock(
  reader: Reader,
  { at, fields }: { readonly at: string; readonly fields: Fields },
): AnswerItem[] {
  switch (fields["type"]) {
    case "text":
      return [{ kind: "text", text: reader.text(fields["text"], `${at}.text`) }];
    case "tool_use":
      return [
        {
          kind: "call",
          at: `${at}.input`,
          id: reader.text(fields["id"], `${at}.id`),
          name: reader.text(fields["name"], `${at}.name`),
          arguments: JSON.stringify(fields["input"] ?? {}),
        },
      ];
    case "thinking":
    case "redacted_thinking":
      return [];
    default:
      reader.refusals.refuse(at, "is not carried over");
      return [];
  }
}

/** Who the answer is, without the letters that its dialect begins ids with. */
export function identity(
  body: Fields,
  defaults: AnswerDefaults,
): { readonly id: string; readonly model: string } {
  const id = (textOf(body["id"]) ?? "").replace(/^(?:chatcmpl|resp|msg)[-_]/, "");
  return { id: id === "" ? defaults.id : id, model: textOf(body["model"]) ?? defaults.model };
}

/** The usage of both of OpenAI's dialects. */
export function readOpenaiUsage(value: unknown, input: string, output: string): AnswerUsage | undefined {
  if (!isFields(value)) return undefined;
  const [into] = objectsOf([value[`${input}_details`]]);
  const [from] = objectsOf([value[`${output}_details`]]);
  return {
    inputTokens: countOf(value[input]) ?? 0,
    cachedTokens: countOf(into?.["cached_tokens"]) ?? 0,
    cacheWriteTokens: countOf(into?.["cache_write_tokens"]) ?? 0,
    outputTokens: countOf(value[output]) ?? 0,
    reasoningTokens: countOf(from?.["reasoning_tokens"]) ?? 0,
  };
}

/** Anthropic counts what it read from and wrote to its cache beside `input_tokens`. */
export function readMessagesUsage(value: unknown): AnswerUsage | undefined {
  if (!isFields(value)) return undefined;
  const cachedTokens = countOf(value["cache_read_input_tokens"]) ?? 0;
  const cacheWriteTokens = countOf(value["cache_creation_input_tokens"]) ?? 0;
  const [from] = objectsOf([value["output_tokens_details"]]);
  return {
    inputTokens: (countOf(value["input_tokens"]) ?? 0) + cachedTokens + cacheWriteTokens,
    cachedTokens,
    cacheWriteTokens,
    outputTokens: countOf(value["output_tokens"]) ?? 0,
    reasoningTokens: countOf(from?.["thinking_tokens"]) ?? 0,
  };
}

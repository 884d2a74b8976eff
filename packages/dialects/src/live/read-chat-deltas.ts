import type { AnswerDefaults, AnswerUsage, Finish } from "../answers/neutral-answer.ts";
import { chatFinishes, identity, readOpenaiUsage } from "../answers/read-answers.ts";
import { countOf, type Fields, isAbsent, isFields, objectsOf, textOf } from "../fields.ts";
import type { Delta, DeltaReader } from "./delta.ts";

/** Of chat.completion.chunk objects. The usage comes after the reason of the end, so the stream's own end is the end. */
export function createChatReader(defaults: AnswerDefaults): DeltaReader {
  const known = new Set<number>();
  let hasStarted = false;
  let finish: Finish | undefined;
  let stopSequence: string | undefined;
  let usage: AnswerUsage | undefined;

  function* read(chunk: Fields): Generator<Delta> {
    if (isFields(chunk["error"])) {
      yield errorOf(chunk["error"]);
      return;
    }
    if (!hasStarted) {
      hasStarted = true;
      yield {
        kind: "start",
        ...identity(chunk, defaults),
        createdAt: countOf(chunk["created"]) ?? defaults.createdAt,
      };
    }
    usage = readOpenaiUsage(chunk["usage"], "prompt_tokens", "completion_tokens") ?? usage;
    const [choice] = objectsOf(chunk["choices"]);
    if (choice === undefined) return;
    if (isFields(choice["delta"])) yield* readDelta(choice["delta"], known);
    const reason = textOf(choice["finish_reason"]);
    if (reason === undefined) return;
    finish = chatFinishes[reason] ?? "stop";
    stopSequence = textOf(choice["stop_reason"]) ?? textOf(choice["matched_stop"]);
  }

  return {
    add: (chunk) => [...read(chunk)],
    end: () => (finish === undefined ? [] : [{ kind: "end", finish, stopSequence, usage }]),
  };
}

function* readDelta(delta: Fields, known: Set<number>): Generator<Delta> {
  for (const other of ["audio", "function_call"])
    if (!isAbsent(delta[other])) yield { kind: "broken", reason: `'${other}' is not carried over` };
  const { content, refusal } = delta;
  if (typeof content === "string" && content !== "") yield { kind: "text", text: content };
  if (typeof refusal === "string" && refusal !== "") yield { kind: "refusal", text: refusal };
  for (const call of objectsOf(delta["tool_calls"])) {
    const index = countOf(call["index"]) ?? 0;
    const called = isFields(call["function"]) ? call["function"] : {};
    if (!known.has(index)) {
      known.add(index);
      yield { kind: "call", index, id: textOf(call["id"]) ?? "", name: textOf(called["name"]) ?? "" };
    }
    const text = textOf(called["arguments"]) ?? "";
    if (text !== "") yield { kind: "arguments", index, text };
  }
}

/** The words of an upstream for a failure. */
export function errorOf(error: Fields): Delta {
  return {
    kind: "error",
    type: textOf(error["type"]) ?? "server_error",
    message: textOf(error["message"]) ?? "The upstream failed.",
  };
}

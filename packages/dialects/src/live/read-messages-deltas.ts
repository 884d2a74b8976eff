import type { AnswerDefaults } from "../answers/neutral-answer.ts";
import { identity, messagesFinishes, readMessagesUsage } from "../answers/read-answers.ts";
import { type Fields, isAbsent, isFields, textOf } from "../fields.ts";
import type { Delta, DeltaReader } from "./delta.ts";
import { errorOf } from "./read-chat-deltas.ts";

const silent: ReadonlySet<unknown> = new Set(["text", "thinking", "redacted_thinking"]);

/** Of messages' events. */
export function createMessagesReader(defaults: AnswerDefaults): DeltaReader {
  let calls = 0;
  let usage: Fields = {};
  let ended: Fields = {};

  function* read(event: Fields): Generator<Delta> {
    const { type, message, delta } = event;
    switch (type) {
      case "message_start": {
        const started = isFields(message) ? message : {};
        addUsage(started["usage"]);
        yield { kind: "start", ...identity(started, defaults), createdAt: defaults.createdAt };
        return;
      }
      case "content_block_start":
        if (isFields(event["content_block"])) yield* beginBlock(event["content_block"]);
        return;
      case "content_block_delta":
        if (isFields(delta)) yield* readDelta(delta);
        return;
      case "message_delta":
        if (isFields(delta)) ended = { ...ended, ...delta };
        addUsage(event["usage"]);
        return;
      case "message_stop":
        yield endOf(ended, usage);
        return;
      case "error":
        yield errorOf(isFields(event["error"]) ? event["error"] : {});
    }
  }

  /** What an event does not say of the counts stays as it was. */
  function addUsage(said: unknown): void {
    if (!isFields(said)) return;
    const counts = Object.entries(said).filter(([, count]) => !isAbsent(count));
    usage = { ...usage, ...Object.fromEntries(counts) };
  }

  function* beginBlock(block: Fields): Generator<Delta> {
    if (block["type"] === "tool_use") {
      yield { kind: "call", index: calls, id: textOf(block["id"]) ?? "", name: textOf(block["name"]) ?? "" };
      calls += 1;
    } else if (!silent.has(block["type"])) yield { kind: "broken", reason: "a block is not carried over" };
    else if (typeof block["text"] === "string" && block["text"] !== "")
      yield { kind: "text", text: block["text"] };
  }

  function* readDelta(delta: Fields): Generator<Delta> {
    const text = textOf(delta["text"]);
    const json = textOf(delta["partial_json"]);
    if (delta["type"] === "text_delta" && text !== undefined) yield { kind: "text", text };
    else if (delta["type"] === "input_json_delta" && json !== undefined && json !== "")
      yield { kind: "arguments", index: calls - 1, text: json };
  }

  return { add: (event) => [...read(event)], end: () => [] };
}

function endOf(ended: Fields, usage: Fields): Delta {
  return {
    kind: "end",
    finish: messagesFinishes[textOf(ended["stop_reason"]) ?? ""] ?? "stop",
    stopSequence: textOf(ended["stop_sequence"]),
    usage: readMessagesUsage(usage),
  };
}

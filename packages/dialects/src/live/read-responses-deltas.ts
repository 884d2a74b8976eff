import type { AnswerDefaults } from "../answers/neutral-answer.ts";
import { cutFinish, identity, readOpenaiUsage } from "../answers/read-answers.ts";
import { countOf, type Fields, isFields, textOf } from "../fields.ts";
import type { Delta, DeltaReader } from "./delta.ts";
import { errorOf } from "./read-chat-deltas.ts";

/** Items that hold nothing of what other dialects can say, and none that must not be lost. */
const silent: ReadonlySet<unknown> = new Set(["message", "reasoning"]);

/** Of response.* events. */
export function createResponsesReader(defaults: AnswerDefaults): DeltaReader {
  /** Calls by the place of their items. */
  const calls = new Map<unknown, { readonly index: number; hasArguments: boolean }>();
  let hasStarted = false;

  function* read(event: Fields): Generator<Delta> {
    const { type, delta, response } = event;
    switch (type) {
      case "response.created":
      case "response.in_progress":
        if (!hasStarted && isFields(response)) yield begin(response);
        return;
      case "response.output_item.added":
        yield* beginItem(event);
        return;
      case "response.output_text.delta":
        yield { kind: "text", text: textOf(delta) ?? "" };
        return;
      case "response.refusal.delta":
        yield { kind: "refusal", text: textOf(delta) ?? "" };
        return;
      case "response.function_call_arguments.delta":
      case "response.function_call_arguments.done":
        yield* readArguments(event);
        return;
      case "response.completed":
      case "response.incomplete":
        yield endOf(isFields(response) ? response : {}, type);
        return;
      case "response.failed":
        yield errorOf(isFields(response) && isFields(response["error"]) ? response["error"] : {});
        return;
      case "error":
        yield errorOf({ ...event, type: event["code"] });
    }
  }

  function begin(response: Fields): Delta {
    hasStarted = true;
    const createdAt = countOf(response["created_at"]) ?? defaults.createdAt;
    return { kind: "start", ...identity(response, defaults), createdAt };
  }

  function* beginItem({ item, output_index: place }: Fields): Generator<Delta> {
    if (!isFields(item) || silent.has(item["type"])) return;
    if (item["type"] !== "function_call") {
      yield { kind: "broken", reason: "an item of its output is not carried over" };
      return;
    }
    const index = calls.size;
    calls.set(place, { index, hasArguments: false });
    yield { kind: "call", index, id: textOf(item["call_id"]) ?? "", name: textOf(item["name"]) ?? "" };
  }

  /** Some servers tell the arguments only when they are complete. */
  function* readArguments({ type, delta, output_index: place, arguments: whole }: Fields): Generator<Delta> {
    const call = calls.get(place);
    if (call === undefined) return;
    const isDelta = type === "response.function_call_arguments.delta";
    const text = textOf(isDelta ? delta : whole) ?? "";
    if (text === "" || (!isDelta && call.hasArguments)) return;
    call.hasArguments = true;
    yield { kind: "arguments", index: call.index, text };
  }

  return { add: (event) => [...read(event)], end: () => [] };
}

function endOf(response: Fields, type: string): Delta {
  return {
    kind: "end",
    finish: type === "response.incomplete" ? cutFinish(response["incomplete_details"]) : "stop",
    stopSequence: undefined,
    usage: readOpenaiUsage(response["usage"], "input_tokens", "output_tokens"),
  };
}

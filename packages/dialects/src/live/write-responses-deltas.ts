import type { NeutralAnswer } from "../answers/neutral-answer.ts";
import { writeResponsesAnswer } from "../answers/write-responses-answer.ts";
import { type Fields, objectsOf } from "../fields.ts";
import { responsesEvents } from "../streams/responses-events.ts";
import { namedEvent, type StreamEvent } from "../streams/stream-event.ts";
import type { Block, DialectHooks, Started } from "./delta-writer.ts";

type Message = { readonly outputIndex: number; readonly id: string; readonly parts: Fields[] };

/** As events of a response, numbered from 0. `request` is the client's body: a response repeats what was asked. */
export function responsesHooks(request: Fields): DialectHooks {
  let id = "";
  let items = 0;
  let sequence = 0;
  let message: Message | undefined;

  const numbered = (events: readonly StreamEvent[]): StreamEvent[] =>
    events.map(({ event, data }) => {
      sequence += 1;
      return { ...(event === undefined ? {} : { event }), data: { ...data, sequence_number: sequence - 1 } };
    });
  /** Ids are those that the whole response will have. */
  const nextItem = (prefix: string) => {
    const outputIndex = items;
    items += 1;
    return { outputIndex, id: outputIndex === 0 ? `${prefix}_${id}` : `${prefix}_${id}_${outputIndex}` };
  };
  const closeMessage = (): StreamEvent[] => {
    if (message === undefined) return [];
    const { outputIndex, parts } = message;
    const item = messageItem(message.id, "completed", parts);
    message = undefined;
    return [namedEvent("response.output_item.done", { output_index: outputIndex, item })];
  };
  const openPart = (kind: "text" | "refusal"): StreamEvent[] => {
    const isNew = message === undefined;
    message ??= { ...nextItem("msg"), parts: [] };
    message.parts.push(partOf(kind, ""));
    const added = namedEvent("response.output_item.added", {
      output_index: message.outputIndex,
      item: messageItem(message.id, "in_progress", []),
    });
    return [
      ...(isNew ? [added] : []),
      namedEvent("response.content_part.added", { ...placeOf(message), part: partOf(kind, "") }),
    ];
  };
  let call: { readonly outputIndex: number; readonly id: string } = { outputIndex: 0, id: "" };

  return {
    start(started) {
      id = started.id;
      return numbered(responsesEvents(wholeOf(started, request), {}).slice(0, 2));
    },
    open(block) {
      if (block.kind !== "call") return numbered(openPart(block.kind));
      const closed = closeMessage();
      call = nextItem("fc");
      const item = callItem(block, call.id, "in_progress");
      return numbered([
        ...closed,
        namedEvent("response.output_item.added", { output_index: call.outputIndex, item }),
      ]);
    },
    piece(block, _place, delta) {
      if (block.kind === "call") {
        const place = { item_id: call.id, output_index: call.outputIndex };
        return numbered([namedEvent("response.function_call_arguments.delta", { ...place, delta })]);
      }
      const place = message === undefined ? {} : placeOf(message);
      return numbered([
        block.kind === "text"
          ? namedEvent("response.output_text.delta", { ...place, delta, logprobs: [] })
          : namedEvent("response.refusal.delta", { ...place, delta }),
      ]);
    },
    close(block) {
      if (block.kind === "call") return numbered(closeCall(block, call));
      return message === undefined ? [] : numbered(closePart(block.kind, block.text, message));
    },
    end: (answer) =>
      numbered([...closeMessage(), ...responsesEvents(writeResponsesAnswer(answer, request), {}).slice(-1)]),
    error: ({ type, message: text }) =>
      numbered([namedEvent("error", { code: type, message: text, param: null })]),
  };
}

function wholeOf(started: Started, request: Fields): Fields {
  const empty: Omit<NeutralAnswer, keyof Started> = {
    items: [],
    finish: "stop",
    stopSequence: undefined,
    usage: undefined,
  };
  return writeResponsesAnswer({ ...started, ...empty }, request);
}

function placeOf({ id, outputIndex, parts }: Message): Fields {
  return { item_id: id, output_index: outputIndex, content_index: parts.length - 1 };
}

function messageItem(id: string, status: string, content: readonly Fields[]): Fields {
  return { id, type: "message", status, role: "assistant", content: objectsOf(content) };
}

function partOf(kind: "text" | "refusal", text: string): Fields {
  return kind === "text"
    ? { type: "output_text", text, annotations: [], logprobs: [] }
    : { type: "refusal", refusal: text };
}

function closePart(kind: "text" | "refusal", text: string, message: Message): StreamEvent[] {
  const place = placeOf(message);
  const part = partOf(kind, text);
  message.parts[message.parts.length - 1] = part;
  return [
    kind === "text"
      ? namedEvent("response.output_text.done", { ...place, text, logprobs: [] })
      : namedEvent("response.refusal.done", { ...place, refusal: text }),
    namedEvent("response.content_part.done", { ...place, part }),
  ];
}

type Call = Block & { readonly kind: "call" };

function callItem({ id: callId, name, text }: Call, id: string, status: string): Fields {
  return { id, type: "function_call", status, call_id: callId, name, arguments: text };
}

function closeCall(
  block: Call,
  { id, outputIndex }: { readonly id: string; readonly outputIndex: number },
): StreamEvent[] {
  const whole = { ...block, text: block.text === "" ? "{}" : block.text };
  const place = { item_id: id, output_index: outputIndex };
  const done = { ...place, name: block.name, arguments: whole.text };
  return [
    namedEvent("response.function_call_arguments.done", done),
    namedEvent("response.output_item.done", {
      output_index: outputIndex,
      item: callItem(whole, id, "completed"),
    }),
  ];
}

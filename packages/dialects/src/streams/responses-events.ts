import { type Fields, objectsOf, textOf } from "../fields.ts";
import { namedEvent, type StreamEvent } from "./stream-event.ts";

/** Where a stream of a response begins. */
export interface ResponseStreamOptions {
  /** `sequence_number` of the first event. Default 0. */
  readonly startAt?: number;
}

/** The events of a complete response, numbered: created, in progress, each item with its parts and deltas, the end. */
export function responsesEvents(body: Fields, { startAt = 0 }: ResponseStreamOptions): StreamEvent[] {
  const { usage: _, ...unfinished } = body;
  const started = {
    ...unfinished,
    status: "in_progress",
    completed_at: null,
    error: null,
    incomplete_details: null,
    output: [],
  };
  const events = [
    namedEvent("response.created", { response: started }),
    namedEvent("response.in_progress", { response: started }),
    ...objectsOf(body["output"]).flatMap(itemEvents),
    namedEvent(`response.${endOf(body["status"])}`, { response: body }),
  ];
  return events.map(({ event, data }, place) => numbered(event ?? "", data, startAt + place));
}

function numbered(event: string, { type, ...fields }: Fields, sequence: number): StreamEvent {
  return { event, data: { type, sequence_number: sequence, ...fields } };
}

/** A stream ends as one of three; a response that was cancelled has not failed, but there is no event of its own. */
function endOf(status: unknown): "completed" | "incomplete" | "failed" {
  if (status === "incomplete") return status;
  return status === "failed" || status === "cancelled" ? "failed" : "completed";
}

function itemEvents(item: Fields, outputIndex: number): StreamEvent[] {
  const place = { output_index: outputIndex };
  return [
    namedEvent("response.output_item.added", { ...place, item: begun(item) }),
    ...innerEvents(item, { item_id: item["id"], ...place }),
    namedEvent("response.output_item.done", { ...place, item }),
  ];
}

/** The item as it is when it begins: what comes in deltas is still empty. Other kinds come whole. */
function begun(item: Fields): Fields {
  switch (item["type"]) {
    case "message":
      return { ...item, status: "in_progress", content: [] };
    case "function_call":
      return { ...item, status: "in_progress", arguments: "" };
    case "custom_tool_call":
      return { ...item, input: "" };
    case "reasoning":
      return { ...item, summary: [], ...(item["content"] === undefined ? {} : { content: [] }) };
    default:
      return item;
  }
}

function innerEvents(item: Fields, place: Fields): StreamEvent[] {
  switch (item["type"]) {
    case "message":
      return objectsOf(item["content"]).flatMap((part, index) =>
        partEvents(part, { ...place, content_index: index }),
      );
    case "function_call": {
      const text = textOf(item["arguments"]) ?? "";
      const done = { ...place, name: item["name"], arguments: text };
      return [
        namedEvent("response.function_call_arguments.delta", { ...place, delta: text }),
        namedEvent("response.function_call_arguments.done", done),
      ];
    }
    case "custom_tool_call": {
      const input = textOf(item["input"]) ?? "";
      return [
        namedEvent("response.custom_tool_call_input.delta", { ...place, delta: input }),
        namedEvent("response.custom_tool_call_input.done", { ...place, input }),
      ];
    }
    case "reasoning":
      return reasoningEvents(item, place);
    default:
      return [];
  }
}

function partEvents(part: Fields, place: Fields): StreamEvent[] {
  const around = (empty: Fields, inner: readonly StreamEvent[]) => [
    namedEvent("response.content_part.added", { ...place, part: empty }),
    ...inner,
    namedEvent("response.content_part.done", { ...place, part }),
  ];
  if (part["type"] === "refusal") {
    const refusal = textOf(part["refusal"]) ?? "";
    return around({ ...part, refusal: "" }, [
      namedEvent("response.refusal.delta", { ...place, delta: refusal }),
      namedEvent("response.refusal.done", { ...place, refusal }),
    ]);
  }
  const text = textOf(part["text"]) ?? "";
  const logprobs = part["logprobs"] ?? [];
  const annotations = objectsOf(part["annotations"]).map((annotation, index) =>
    namedEvent("response.output_text.annotation.added", { ...place, annotation_index: index, annotation }),
  );
  return around({ ...part, text: "", annotations: [], logprobs: [] }, [
    namedEvent("response.output_text.delta", { ...place, delta: text, logprobs }),
    ...annotations,
    namedEvent("response.output_text.done", { ...place, text, logprobs }),
  ]);
}

function reasoningEvents(item: Fields, place: Fields): StreamEvent[] {
  const summaries = objectsOf(item["summary"]).flatMap((part, index) => {
    const at = { ...place, summary_index: index };
    const text = textOf(part["text"]) ?? "";
    return [
      namedEvent("response.reasoning_summary_part.added", { ...at, part: { ...part, text: "" } }),
      namedEvent("response.reasoning_summary_text.delta", { ...at, delta: text }),
      namedEvent("response.reasoning_summary_text.done", { ...at, text }),
      namedEvent("response.reasoning_summary_part.done", { ...at, part }),
    ];
  });
  const texts = objectsOf(item["content"]).flatMap((part, index) => {
    const at = { ...place, content_index: index };
    const text = textOf(part["text"]) ?? "";
    return [
      namedEvent("response.reasoning_text.delta", { ...at, delta: text }),
      namedEvent("response.reasoning_text.done", { ...at, text }),
    ];
  });
  return [...summaries, ...texts];
}

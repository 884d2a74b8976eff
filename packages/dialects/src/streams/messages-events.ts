import { type Fields, isFields, objectsOf, textOf } from "../fields.ts";
import { namedEvent, type StreamEvent } from "./stream-event.ts";

/** The events of a complete message: its start, each block with its deltas, the stop reason with the usage, the stop. */
export function messagesEvents(body: Fields): StreamEvent[] {
  const usage = isFields(body["usage"]) ? body["usage"] : {};
  const start = {
    ...body,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...usage, output_tokens: 0 },
  };
  const { stop_details: details, container } = body;
  const delta = {
    stop_reason: body["stop_reason"] ?? "end_turn",
    stop_sequence: body["stop_sequence"] ?? null,
    ...(details === undefined ? {} : { stop_details: details }),
    ...(container === undefined ? {} : { container }),
  };
  return [
    namedEvent("message_start", { message: start }),
    ...objectsOf(body["content"]).flatMap(blockEvents),
    namedEvent("message_delta", { delta, usage: deltaUsage(usage) }),
    namedEvent("message_stop", {}),
  ];
}

function blockEvents(block: Fields, index: number): StreamEvent[] {
  const { begun, deltas } = takeApart(block);
  return [
    namedEvent("content_block_start", { index, content_block: begun }),
    ...deltas.map((delta) => namedEvent("content_block_delta", { index, delta })),
    namedEvent("content_block_stop", { index }),
  ];
}

/** The block as it begins, and what it then gets; blocks of other kinds come whole. */
function takeApart(block: Fields): { readonly begun: Fields; readonly deltas: readonly Fields[] } {
  switch (block["type"]) {
    case "text": {
      const citations = objectsOf(block["citations"]);
      return {
        begun: { ...block, text: "", ...(citations.length > 0 ? { citations: [] } : {}) },
        deltas: [
          ...(block["text"] === "" ? [] : [{ type: "text_delta", text: textOf(block["text"]) ?? "" }]),
          ...citations.map((citation) => ({ type: "citations_delta", citation })),
        ],
      };
    }
    case "thinking":
      return {
        begun: { ...block, thinking: "", signature: "" },
        deltas: [
          { type: "thinking_delta", thinking: textOf(block["thinking"]) ?? "" },
          { type: "signature_delta", signature: textOf(block["signature"]) ?? "" },
        ],
      };
    case "tool_use":
    case "server_tool_use":
      return {
        begun: { ...block, input: {} },
        deltas: [{ type: "input_json_delta", partial_json: JSON.stringify(block["input"] ?? {}) }],
      };
    default:
      return { begun: block, deltas: [] };
  }
}

function deltaUsage(usage: Fields): Fields {
  return {
    input_tokens: usage["input_tokens"] ?? null,
    cache_creation_input_tokens: usage["cache_creation_input_tokens"] ?? null,
    cache_read_input_tokens: usage["cache_read_input_tokens"] ?? null,
    output_tokens: usage["output_tokens"] ?? 0,
    output_tokens_details: usage["output_tokens_details"] ?? null,
    server_tool_use: usage["server_tool_use"] ?? null,
  };
}

import { toolUse, writeMessagesAnswer } from "../answers/write-messages-answer.ts";
import type { Fields } from "../fields.ts";
import { createRefusals } from "../requests/refusals.ts";
import { messagesEvents } from "../streams/messages-events.ts";
import { namedEvent } from "../streams/stream-event.ts";
import type { Block, DialectHooks } from "./delta-writer.ts";

/** As messages' events. The prompt's tokens are told with the end: other dialects do not know them before. */
export function messagesHooks(): DialectHooks {
  return {
    start(started) {
      const empty = {
        ...started,
        items: [],
        finish: "stop",
        stopSequence: undefined,
        usage: undefined,
      } as const;
      return messagesEvents(writeMessagesAnswer(createRefusals(), empty)).slice(0, 1);
    },
    open: (block, index) => [namedEvent("content_block_start", { index, content_block: begun(block) })],
    piece(block, index, text) {
      const delta =
        block.kind === "call"
          ? { type: "input_json_delta", partial_json: text }
          : { type: "text_delta", text };
      return [namedEvent("content_block_delta", { index, delta })];
    },
    close: (_block, index) => [namedEvent("content_block_stop", { index })],
    // The blocks have been told already: of the whole message only how it ends is left.
    end: (answer) => messagesEvents(writeMessagesAnswer(createRefusals(), answer)).slice(-2),
    error: ({ type, message }) => [namedEvent("error", { error: { type: anthropicType(type), message } })],
  };
}

function begun(block: Block): Fields {
  return block.kind === "call"
    ? { ...toolUse(block), input: {} }
    : { type: "text", text: "", citations: null };
}

function anthropicType(type: string): string {
  return type.endsWith("_error") && type !== "server_error" ? type : "api_error";
}

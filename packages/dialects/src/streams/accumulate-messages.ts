import { countOf, type Fields, isAbsent, isFields, textOf } from "../fields.ts";
import type { Accumulated, Accumulator } from "./accumulator.ts";

type Writable = Record<string, unknown>;

interface Block {
  readonly fields: Writable;
  /** The pieces of `input`, which are JSON only together. */
  json: string;
  isBroken: boolean;
}

/** Ends at which the last input may be cut off; such a use of a tool cannot be made, and has no input. */
const cuts: ReadonlySet<unknown> = new Set(["max_tokens", "model_context_window_exceeded"]);

/** Of messages' events: message_start, blocks with their deltas, message_delta, message_stop. */
export function createMessagesAccumulator(): Accumulator {
  let message: Writable | undefined;
  const blocks: Block[] = [];
  let hasStopped = false;
  let error: Fields | undefined;
  let malformed: string | undefined;
  const blockAt = (index: unknown): Block | undefined => blocks[countOf(index) ?? -1];

  return {
    add(event) {
      switch (event["type"]) {
        case "error":
          error ??= isFields(event["error"]) ? event["error"] : { type: "api_error", message: "" };
          return;
        case "message_start":
          message ??= isFields(event["message"]) ? { ...event["message"] } : {};
          return;
        case "content_block_start":
          if (event["index"] !== blocks.length) malformed ??= "its blocks are not in order";
          blocks.push({
            fields: isFields(event["content_block"]) ? { ...event["content_block"] } : {},
            json: "",
            isBroken: false,
          });
          return;
        case "content_block_delta":
          malformed ??= addDelta(blockAt(event["index"]), event["delta"]);
          return;
        case "content_block_stop":
          endBlock(blockAt(event["index"]));
          return;
        case "message_delta":
          if (message !== undefined) message = withEnd(message, event);
          return;
        case "message_stop":
          hasStopped = true;
      }
    },
    read(): Accumulated {
      if (error !== undefined) return { kind: "failed", error };
      if (malformed !== undefined) return { kind: "malformed", reason: malformed };
      if (message === undefined)
        return hasStopped
          ? { kind: "malformed", reason: "it stops without a start" }
          : { kind: "partial", body: undefined };
      if (hasStopped && !cuts.has(message["stop_reason"]) && blocks.some(({ isBroken }) => isBroken))
        return { kind: "malformed", reason: "the input of a tool is not valid JSON" };
      const body = { ...message, content: blocks.map(({ fields }) => ({ ...fields })) };
      return { kind: hasStopped ? "complete" : "partial", body };
    },
  };
}

/** Says what is wrong, if anything is. Deltas of unknown types are passed over. */
function addDelta(block: Block | undefined, delta: unknown): string | undefined {
  if (block === undefined || !isFields(delta)) return "a delta belongs to no block";
  const { fields } = block;
  switch (delta["type"]) {
    case "text_delta":
      fields["text"] = (textOf(fields["text"]) ?? "") + (textOf(delta["text"]) ?? "");
      break;
    case "thinking_delta":
      fields["thinking"] = (textOf(fields["thinking"]) ?? "") + (textOf(delta["thinking"]) ?? "");
      break;
    case "signature_delta":
      fields["signature"] = delta["signature"];
      break;
    case "citations_delta":
      fields["citations"] = [
        ...(Array.isArray(fields["citations"]) ? fields["citations"] : []),
        delta["citation"],
      ];
      break;
    case "input_json_delta":
      block.json += textOf(delta["partial_json"]) ?? "";
  }
  return undefined;
}

function endBlock(block: Block | undefined): void {
  if (block === undefined || block.json === "") return;
  try {
    block.fields["input"] = JSON.parse(block.json);
  } catch {
    block.isBroken = true;
  }
}

/** The counts of message_delta are those of the whole message; what it does not say stays. */
function withEnd(message: Writable, { delta, usage }: Fields): Writable {
  const ended = isFields(delta) ? { ...message, ...delta } : message;
  if (!isFields(usage)) return ended;
  const said = Object.entries(usage).filter(([, count]) => !isAbsent(count));
  const before = isFields(ended["usage"]) ? ended["usage"] : {};
  return { ...ended, usage: { ...before, ...Object.fromEntries(said) } };
}

import type { AnswerItem, NeutralAnswer } from "../answers/neutral-answer.ts";
import type { StreamEvent } from "../streams/stream-event.ts";
import type { Delta, Ended } from "./delta.ts";

/** What of an answer has come, as one piece of text or one call. */
export type Block =
  | { readonly kind: "text" | "refusal"; text: string }
  | {
      readonly kind: "call";
      readonly index: number;
      readonly id: string;
      readonly name: string;
      text: string;
    };

/** How a dialect says what happens to an answer. */
export interface DialectHooks {
  start(answer: Started): readonly StreamEvent[];
  open(block: Block, place: number): readonly StreamEvent[];
  piece(block: Block, place: number, text: string): readonly StreamEvent[];
  close(block: Block, place: number): readonly StreamEvent[];
  end(answer: NeutralAnswer): readonly StreamEvent[];
  error(error: Extract<Delta, { kind: "error" }>): readonly StreamEvent[];
}

export type Started = Omit<Extract<Delta, { kind: "start" }>, "kind">;

/** Says deltas in a dialect; a reason when they cannot be said. */
export type DeltaWriter = (delta: Delta) => readonly StreamEvent[] | string;

/** Keeps what came and which block is open. Blocks come one after the other, as all dialects stream them. */
export function createDeltaWriter(hooks: DialectHooks): DeltaWriter {
  const blocks: Block[] = [];
  let started: Started | undefined;
  let isOpen = false;

  const close = (): readonly StreamEvent[] => {
    const last = blocks.at(-1);
    if (!isOpen || last === undefined) return [];
    isOpen = false;
    return hooks.close(last, blocks.length - 1);
  };
  const open = (block: Block): readonly StreamEvent[] => {
    const closed = close();
    isOpen = true;
    blocks.push(block);
    return [...closed, ...hooks.open(block, blocks.length - 1)];
  };
  const add = (block: Block, text: string): readonly StreamEvent[] => {
    block.text += text;
    return hooks.piece(block, blocks.length - 1, text);
  };
  const say = (kind: "text" | "refusal", text: string): readonly StreamEvent[] => {
    const last = blocks.at(-1);
    if (isOpen && last?.kind === kind) return add(last, text);
    const block = { kind, text: "" };
    return [...open(block), ...add(block, text)];
  };
  const end = (ended: Ended): readonly StreamEvent[] | string => {
    if (started === undefined) return "it ends before it has begun";
    return [...close(), ...hooks.end({ ...started, ...ended, items: blocks.map(itemOf) })];
  };

  return (delta) => {
    switch (delta.kind) {
      case "start":
        started = delta;
        return hooks.start(delta);
      case "text":
      case "refusal":
        return delta.text === "" ? [] : say(delta.kind, delta.text);
      case "call":
        return open({ ...delta, text: "" });
      case "arguments": {
        const last = blocks.at(-1);
        const isItsTurn = isOpen && last?.kind === "call" && last.index === delta.index;
        return isItsTurn ? add(last, delta.text) : "the arguments of several calls are mixed";
      }
      case "end":
        return end(delta);
      case "error":
        return hooks.error(delta);
      case "broken":
        return delta.reason;
    }
  };
}

function itemOf(block: Block): AnswerItem {
  if (block.kind !== "call") return { kind: block.kind, text: block.text };
  const { id, name, text } = block;
  return { kind: "call", at: "its arguments", id, name, arguments: text === "" ? "{}" : text };
}

import { writeChatAnswer } from "../answers/write-chat-answer.ts";
import { type Fields, objectsOf } from "../fields.ts";
import type { StreamEvent } from "../streams/stream-event.ts";
import type { Block, DialectHooks, Started } from "./delta-writer.ts";

/** As chat.completion.chunk objects, with a last one for the usage if it is known. */
export function chatHooks(): DialectHooks {
  let shared: Fields = {};
  let calls = 0;
  const chunk = (fields: Fields): StreamEvent => ({ data: { ...shared, ...fields } });
  const choice = (delta: Fields, finish: unknown = null): StreamEvent =>
    chunk({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  const call = (fields: Fields): StreamEvent => choice({ tool_calls: [{ index: calls - 1, ...fields }] });

  return {
    start({ id, model, createdAt }: Started) {
      shared = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: createdAt, model };
      return [choice({ role: "assistant", content: "", refusal: null })];
    },
    open(block) {
      if (block.kind !== "call") return [];
      calls += 1;
      return [call({ id: block.id, type: "function", function: { name: block.name, arguments: "" } })];
    },
    piece(block: Block, _place, text) {
      if (block.kind === "call") return [call({ function: { arguments: text } })];
      return [choice(block.kind === "text" ? { content: text } : { refusal: text })];
    },
    /** Whole answers always have arguments. */
    close: (block) =>
      block.kind === "call" && block.text === "" ? [call({ function: { arguments: "{}" } })] : [],
    end(answer) {
      const { choices, usage } = writeChatAnswer(answer);
      const finish = objectsOf(choices)[0]?.["finish_reason"];
      return [choice({}, finish), ...(usage === undefined ? [] : [chunk({ choices: [], usage })])];
    },
    error: ({ type, message }) => [{ data: { error: { message, type, param: null, code: null } } }],
  };
}

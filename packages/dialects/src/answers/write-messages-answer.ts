import type { Fields } from "../fields.ts";
import type { Refusals } from "../requests/refusals.ts";
import { parseInput } from "../requests/write-messages.ts";
import type { AnswerItem, AnswerUsage, NeutralAnswer } from "./neutral-answer.ts";

/** Writes a complete message. A usage that the upstream did not tell is all zeros: messages always have one. */
export function writeMessagesAnswer(refusals: Refusals, answer: NeutralAnswer): Fields {
  const content = answer.items.flatMap((item) => writeBlock(refusals, item, answer.finish === "length"));
  return {
    id: `msg_${answer.id}`,
    type: "message",
    role: "assistant",
    model: answer.model,
    content,
    container: null,
    diagnostics: null,
    stop_reason: reasonOf(answer),
    stop_sequence: answer.finish === "stop" ? (answer.stopSequence ?? null) : null,
    stop_details: null,
    usage: writeUsage(answer.usage),
  };
}

function reasonOf({ items, finish, stopSequence }: NeutralAnswer): string {
  if (finish === "length") return "max_tokens";
  if (finish === "filtered" || items.some(({ kind }) => kind === "refusal")) return "refusal";
  if (items.some(({ kind }) => kind === "call")) return "tool_use";
  return stopSequence === undefined ? "end_turn" : "stop_sequence";
}

/** The arguments of a call that the bound of the answer cut off are no JSON; such a call cannot be made anyway. */
function writeBlock(refusals: Refusals, item: AnswerItem, isCut: boolean): Fields[] {
  if (item.kind !== "call")
    return item.text === "" ? [] : [{ type: "text", text: item.text, citations: null }];
  const input = parseInput(item.arguments);
  if (input === undefined && !isCut) refusals.refuse(item.at, "is not a JSON object, which messages take");
  return input === undefined ? [] : [{ ...toolUse(item), input }];
}

/** A use of a tool by the model itself, without its input. */
export function toolUse({ id, name }: { readonly id: string; readonly name: string }): Fields {
  return { type: "tool_use", id, caller: { type: "direct" }, name };
}

function writeUsage(usage: AnswerUsage | undefined): Fields {
  const { inputTokens = 0, cachedTokens = 0, cacheWriteTokens = 0, outputTokens = 0 } = usage ?? {};
  const thinkingTokens = usage?.reasoningTokens ?? 0;
  return {
    input_tokens: Math.max(0, inputTokens - cachedTokens - cacheWriteTokens),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation: null,
    output_tokens: outputTokens,
    output_tokens_details: thinkingTokens === 0 ? null : { thinking_tokens: thinkingTokens },
    inference_geo: null,
    server_tool_use: null,
    service_tier: null,
    speed: null,
  };
}

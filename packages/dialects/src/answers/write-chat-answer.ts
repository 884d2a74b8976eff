import type { Fields } from "../fields.ts";
import type { AnswerUsage, NeutralAnswer } from "./neutral-answer.ts";

/** Writes a complete chat completion. */
export function writeChatAnswer({ id, model, createdAt, items, finish, usage }: NeutralAnswer): Fields {
  const calls = items.filter((item) => item.kind === "call");
  const texts = items.flatMap((item) => (item.kind === "text" ? [item.text] : []));
  const refusals = items.flatMap((item) => (item.kind === "refusal" ? [item.text] : []));
  const message = {
    role: "assistant",
    content: texts.length === 0 && (calls.length > 0 || refusals.length > 0) ? null : texts.join(""),
    refusal: refusals.length === 0 ? null : refusals.join(""),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
  };
  return {
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: createdAt,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: reasonOf(finish, calls.length > 0) }],
    ...(usage === undefined ? {} : { usage: writeUsage(usage) }),
  };
}

function reasonOf(finish: NeutralAnswer["finish"], hasCalls: boolean): string {
  if (finish === "length") return "length";
  if (finish === "filtered") return "content_filter";
  return hasCalls ? "tool_calls" : "stop";
}

function writeUsage(usage: AnswerUsage): Fields {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: usage.cacheWriteTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

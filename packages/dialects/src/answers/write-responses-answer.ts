import { type Fields, objectsOf } from "../fields.ts";
import type { AnswerItem, AnswerUsage, NeutralAnswer } from "./neutral-answer.ts";

/** Writes a response that has ended. `request` is the client's body: a response repeats what was asked. */
export function writeResponsesAnswer(answer: NeutralAnswer, request: Fields): Fields {
  const { id, model, createdAt, finish, usage } = answer;
  const isCut = finish !== "stop";
  const reason = finish === "filtered" ? "content_filter" : "max_output_tokens";
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: createdAt,
    completed_at: isCut ? null : createdAt,
    status: isCut ? "incomplete" : "completed",
    background: false,
    error: null,
    incomplete_details: isCut ? { reason } : null,
    instructions: request["instructions"] ?? null,
    max_output_tokens: request["max_output_tokens"] ?? null,
    model,
    output: writeOutput(answer),
    parallel_tool_calls: request["parallel_tool_calls"] ?? true,
    previous_response_id: null,
    reasoning: request["reasoning"] ?? { effort: null, summary: null },
    store: request["store"] ?? true,
    temperature: request["temperature"] ?? 1,
    text: request["text"] ?? { format: { type: "text" } },
    tool_choice: request["tool_choice"] ?? "auto",
    tools: objectsOf(request["tools"]).map(repeatTool),
    top_p: request["top_p"] ?? 1,
    truncation: "disabled",
    metadata: request["metadata"] ?? {},
    ...(usage === undefined ? {} : { usage: writeUsage(usage) }),
  };
}

/** A response names the fields of tools that a request may leave out. */
function repeatTool(tool: Fields): Fields {
  return {
    description: null,
    ...tool,
    parameters: tool["parameters"] ?? null,
    strict: tool["strict"] ?? true,
  };
}

/** Texts that follow each other are one message. */
function writeOutput({ id, items, finish }: NeutralAnswer): Fields[] {
  const status = finish === "stop" ? "completed" : "incomplete";
  const output: { item: Fields; content: Fields[] | undefined }[] = [];
  for (const item of items) {
    const suffix = output.length === 0 ? id : `${id}_${output.length}`;
    const last = output.at(-1);
    if (item.kind === "call") {
      output.push({ item: writeCall(item, `fc_${suffix}`), content: undefined });
    } else if (last?.content !== undefined) last.content.push(writePart(item));
    else {
      const content = [writePart(item)];
      output.push({
        item: { id: `msg_${suffix}`, type: "message", status, role: "assistant", content },
        content,
      });
    }
  }
  return output.map(({ item }) => item);
}

function writeCall({ id: callId, name, arguments: text }: AnswerItem & { kind: "call" }, id: string): Fields {
  return { id, type: "function_call", status: "completed", call_id: callId, name, arguments: text };
}

function writePart(item: AnswerItem & { kind: "text" | "refusal" }): Fields {
  return item.kind === "text"
    ? { type: "output_text", text: item.text, annotations: [], logprobs: [] }
    : { type: "refusal", refusal: item.text };
}

function writeUsage(usage: AnswerUsage): Fields {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: usage.cacheWriteTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

import { type ApiError, apiError } from "../api-error.ts";
import { checkFields, isObject, readNumber } from "./check-fields.ts";
import { type Answer, drawAnswers } from "./draw-answers.ts";
import { countJsonFields, countMessages, lastUserText } from "./message-text.ts";
import type { Body, Frame, Plan, PlanTools, StreamedAnswer } from "./plan.ts";
import { renderEvent } from "./sse.ts";

const roles: readonly unknown[] = ["user", "assistant", "system"];

/** `POST /v1/messages`, as Anthropic documents it: one text block, whole or streamed. */
export function planMessages(body: Body, tools: PlanTools): Plan | ApiError {
  const wrong = checkBody(body);
  if (wrong !== undefined) return wrong;
  const messages = body["messages"] as Body[];
  const system = body["system"] === undefined ? [] : [{ content: body["system"] }];
  const prompt = countJsonFields(body, ["tools", "output_config"], tools.countTokens);
  const inputTokens = prompt + countMessages([...system, ...messages], tools.countTokens);
  const maxTokens = readNumber(body, "max_tokens", 1);
  const answers = drawAnswers(tools, { inputTokens, choices: 1, maxTokens });
  if (!Array.isArray(answers)) return answers;
  const made: Made = { model: body["model"] as string, inputTokens, answer: answers[0] as Answer };
  return {
    kind: "plan",
    model: made.model,
    inputTokens,
    outputTokens: made.answer.tokens,
    finishReason: made.answer.finishReason,
    render: (frame) => JSON.stringify(messageOf(made, frame)),
    ...(body["stream"] === true && { renderStream: (frame: Frame) => renderStream(made, frame) }),
    lastUserText: () => lastUserText(messages),
  };
}

interface Made {
  readonly model: string;
  readonly inputTokens: number;
  readonly answer: Answer;
}

function checkBody(body: Body): ApiError | undefined {
  for (const name of ["model", "messages", "max_tokens"]) {
    if (body[name] === undefined) return apiError(400, `${name}: Field required`, { param: name });
  }
  if (typeof body["model"] !== "string")
    return apiError(400, "model: Input should be a valid string", { param: "model" });
  return (
    checkMessages(body["messages"]) ??
    checkFields(body, [
      { name: "max_tokens", type: "integer", min: 1 },
      { name: "stream", type: "boolean" },
      { name: "temperature", type: "number", min: 0, max: 1 },
      { name: "top_p", type: "number", min: 0, max: 1 },
      { name: "top_k", type: "integer", min: 0 },
    ])
  );
}

function checkMessages(messages: unknown): ApiError | undefined {
  if (!Array.isArray(messages) || !messages.every(isObject))
    return apiError(400, "messages: Input should be a valid list", { param: "messages" });
  if (messages.length === 0)
    return apiError(400, "messages: at least one message is required", { param: "messages" });
  for (const [index, { role, content }] of messages.entries()) {
    const param = `messages.${index}`;
    if (!roles.includes(role))
      return apiError(400, `${param}.role: Input should be 'user', 'assistant' or 'system'`, { param });
    if (typeof content !== "string" && !Array.isArray(content))
      return apiError(400, `${param}.content: Input should be a valid list`, { param });
  }
  return undefined;
}

function messageOf({ model, inputTokens, answer }: Made, { suffix }: Frame): Record<string, unknown> {
  return {
    id: `msg_${suffix}`,
    type: "message",
    role: "assistant",
    model,
    content: [{ type: "text", text: answer.text, citations: null }],
    container: null,
    stop_reason: stopReason(answer),
    stop_sequence: null,
    stop_details: null,
    usage: {
      input_tokens: inputTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: null,
      output_tokens: answer.tokens,
      output_tokens_details: null,
      inference_geo: null,
      server_tool_use: null,
      service_tier: "standard",
    },
  };
}

function stopReason({ finishReason }: Answer): string {
  return finishReason === "length" ? "max_tokens" : "end_turn";
}

function renderStream(made: Made, frame: Frame): StreamedAnswer {
  const { answer } = made;
  const whole = messageOf(made, frame);
  const usage = whole["usage"] as Record<string, unknown>;
  const message = { ...whole, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  const event = (type: string, fields: Record<string, unknown>): string =>
    renderEvent(type, { type, ...fields });
  return {
    head:
      event("message_start", { message }) +
      event("content_block_start", { index: 0, content_block: { type: "text", text: "", citations: null } }) +
      event("ping", {}),
    steps: answer
      .pieces()
      .map((text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
    tail:
      event("content_block_stop", { index: 0 }) +
      event("message_delta", {
        delta: { stop_reason: stopReason(answer), stop_sequence: null, stop_details: null, container: null },
        usage: {
          input_tokens: made.inputTokens,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: answer.tokens,
          output_tokens_details: null,
          server_tool_use: null,
        },
      }) +
      event("message_stop", {}),
  };
}

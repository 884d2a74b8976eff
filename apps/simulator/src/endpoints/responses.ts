import { type ApiError, apiError } from "../api-error.ts";
import { checkFields, checkModel, invalidType, isObject, missing, readNumber } from "./check-fields.ts";
import { type Answer, drawAnswers } from "./draw-answers.ts";
import { countJsonFields, countMessages, lastUserText } from "./message-text.ts";
import type { Body, Frame, Plan, PlanTools, StreamedAnswer } from "./plan.ts";
import { renderEvent } from "./sse.ts";

/** `POST /v1/responses`: one text message, whole or streamed; no background runs. */
export function planResponse(body: Body, tools: PlanTools): Plan | ApiError {
  const wrong = checkBody(body);
  if (wrong !== undefined) return wrong;
  const items = readItems(body);
  const instructions = typeof body["instructions"] === "string" ? tools.countTokens(body["instructions"]) : 0;
  const inputTokens =
    instructions +
    countJsonFields(body, ["tools", "text"], tools.countTokens) +
    countMessages(items, tools.countTokens);
  const maxTokens = readNumber(body, "max_output_tokens", Number.POSITIVE_INFINITY);
  const answers = drawAnswers(tools, { inputTokens, choices: 1, maxTokens });
  if (!Array.isArray(answers)) return answers;
  const answer = answers[0] as Answer;
  return {
    kind: "plan",
    model: body["model"] as string,
    inputTokens,
    outputTokens: answer.tokens,
    finishReason: answer.finishReason,
    render: (frame) => JSON.stringify(responseOf({ body, inputTokens, answer }, frame)),
    ...(body["stream"] === true && {
      renderStream: (frame: Frame) => renderStream({ body, inputTokens, answer }, frame),
    }),
    lastUserText: () => lastUserText(items),
  };
}

function checkBody(body: Body): ApiError | undefined {
  const wrong = checkModel(body) ?? checkInput(body["input"]);
  if (wrong !== undefined) return wrong;
  if (body["background"] === true) {
    const param = "background";
    return apiError(400, `'${param}' is not supported by this server.`, { param, code: "unsupported_value" });
  }
  return checkFields(body, [
    { name: "stream", type: "boolean" },
    { name: "background", type: "boolean" },
    { name: "max_output_tokens", type: "integer", min: 1 },
    { name: "temperature", type: "number", min: 0, max: 2 },
    { name: "top_p", type: "number", min: 0, max: 1 },
    { name: "instructions", type: "string" },
  ]);
}

function checkInput(input: unknown): ApiError | undefined {
  if (input === undefined) return missing("input");
  if (typeof input === "string") return undefined;
  if (Array.isArray(input) && input.every(isObject)) return undefined;
  return invalidType("input", "a string or an array of objects", input);
}

function readItems(body: Body): readonly Body[] {
  return typeof body["input"] === "string"
    ? [{ role: "user", content: body["input"] }]
    : (body["input"] as Body[]);
}

interface Response {
  readonly body: Body;
  readonly inputTokens: number;
  readonly answer: Answer;
}

type Fields = Readonly<Record<string, unknown>>;

function responseOf({ body, inputTokens, answer }: Response, { suffix, createdAt }: Frame): Fields {
  const cut = answer.finishReason === "length";
  const status = cut ? "incomplete" : "completed";
  return {
    id: `resp_${suffix}`,
    object: "response",
    created_at: createdAt,
    completed_at: cut ? null : createdAt,
    status,
    background: false,
    error: null,
    incomplete_details: cut ? { reason: "max_output_tokens" } : null,
    instructions: body["instructions"] ?? null,
    max_output_tokens: body["max_output_tokens"] ?? null,
    model: body["model"],
    output: [messageOf(suffix, status, [textPart(answer.text)])],
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: body["temperature"] ?? 1,
    tool_choice: body["tool_choice"] ?? "auto",
    tools: body["tools"] ?? [],
    top_p: body["top_p"] ?? 1,
    metadata: body["metadata"] ?? {},
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: answer.tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + answer.tokens,
    },
  };
}

function messageOf(suffix: string, status: string, content: readonly Fields[]): Fields {
  return { id: `msg_${suffix}`, type: "message", status, role: "assistant", content };
}

function textPart(text: string): Fields {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function renderStream(response: Response, frame: Frame): StreamedAnswer {
  const { answer } = response;
  const done = responseOf(response, frame);
  const started = {
    ...done,
    status: "in_progress",
    completed_at: null,
    incomplete_details: null,
    output: [],
    usage: null,
  };
  let sequence = 0;
  const event = (type: string, fields: Fields): string => {
    sequence += 1;
    return renderEvent(type, { type, sequence_number: sequence - 1, ...fields });
  };
  const item = { item_id: `msg_${frame.suffix}`, output_index: 0 };
  const part = { ...item, content_index: 0 };
  return {
    head:
      event("response.created", { response: started }) +
      event("response.in_progress", { response: started }) +
      event("response.output_item.added", {
        output_index: 0,
        item: messageOf(frame.suffix, "in_progress", []),
      }) +
      event("response.content_part.added", { ...part, part: textPart("") }),
    steps: answer
      .pieces()
      .map((delta) => event("response.output_text.delta", { ...part, delta, logprobs: [] })),
    tail:
      event("response.output_text.done", { ...part, text: answer.text, logprobs: [] }) +
      event("response.content_part.done", { ...part, part: textPart(answer.text) }) +
      event("response.output_item.done", { output_index: 0, item: (done["output"] as Fields[])[0] }) +
      event(`response.${String(done["status"])}`, { response: done }),
  };
}

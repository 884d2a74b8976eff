import { type ApiError, apiError } from "../api-error.ts";
import { checkFields, checkModel, invalidType, isObject, missing, readNumber } from "./check-fields.ts";
import { type Answer, drawAnswers } from "./draw-answers.ts";
import { countJsonFields, countMessages, lastUserText } from "./message-text.ts";
import type { Body, Frame, Plan, PlanTools } from "./plan.ts";

/** `POST /v1/responses`: one text message in one piece; neither streams nor background runs. */
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
    render: (frame) => renderWhole({ body, inputTokens, answer }, frame),
    lastUserText: () => lastUserText(items),
  };
}

function checkBody(body: Body): ApiError | undefined {
  const wrong = checkModel(body) ?? checkInput(body["input"]);
  if (wrong !== undefined) return wrong;
  for (const param of ["stream", "background"]) {
    if (body[param] === undefined || body[param] === null || body[param] === false) continue;
    return apiError(400, `'${param}' is not supported by this server.`, { param, code: "unsupported_value" });
  }
  return checkFields(body, [
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

function renderWhole({ body, inputTokens, answer }: Response, { suffix, createdAt }: Frame): string {
  const cut = answer.finishReason === "length";
  const status = cut ? "incomplete" : "completed";
  const content = [{ type: "output_text", text: answer.text, annotations: [], logprobs: [] }];
  return JSON.stringify({
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
    output: [{ id: `msg_${suffix}`, type: "message", status, role: "assistant", content }],
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
  });
}

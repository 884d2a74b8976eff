import type { ApiError } from "../api-error.ts";
import {
  checkFields,
  checkModel,
  emptyArray,
  invalidType,
  isObject,
  missing,
  readNumber,
} from "./check-fields.ts";
import { type Answer, drawAnswers, overallFinish, sumTokens } from "./draw-answers.ts";
import { countInputs, type Inputs, readInputs } from "./inputs.ts";
import type { Body, Frame, Plan, PlanTools, StreamedAnswer } from "./plan.ts";
import { renderUsage } from "./usage.ts";

/** OpenAI's default for this endpoint, low as it is. */
const defaultMaxTokens = 16;

/** `POST /v1/completions`. */
export function planTextCompletion(body: Body, tools: PlanTools): Plan | ApiError {
  const inputs = readInputs(body["prompt"]);
  const wrong = checkModel(body) ?? checkPrompt(body["prompt"], inputs) ?? checkSettings(body);
  if (wrong !== undefined || inputs === undefined) return wrong ?? missing("prompt");
  const inputTokens = countInputs(inputs, tools.countTokens);
  const maxTokens = readNumber(body, "max_tokens", defaultMaxTokens);
  const answers = drawAnswers(tools, {
    inputTokens,
    choices: inputs.length * readNumber(body, "n", 1),
    maxTokens,
  });
  if (!Array.isArray(answers)) return answers;
  const model = body["model"] as string;
  const includeUsage = isObject(body["stream_options"]) && body["stream_options"]["include_usage"] === true;
  const text: Text = { model, inputTokens, answers };
  return {
    kind: "plan",
    model,
    inputTokens,
    outputTokens: sumTokens(answers),
    finishReason: overallFinish(answers),
    render: (frame) => renderWhole(text, frame),
    ...(body["stream"] === true && {
      renderStream: (frame: Frame) => renderStream(text, frame, includeUsage),
    }),
    lastUserText: () => inputs.filter((input) => typeof input === "string").at(-1) ?? "",
  };
}

interface Text {
  readonly model: string;
  readonly inputTokens: number;
  readonly answers: readonly Answer[];
}

function checkPrompt(prompt: unknown, inputs: Inputs | undefined): ApiError | undefined {
  if (prompt === undefined) return missing("prompt");
  if (inputs === undefined) return invalidType("prompt", "a string or array", prompt);
  return inputs.length === 0 ? emptyArray("prompt") : undefined;
}

function checkSettings(body: Body): ApiError | undefined {
  return checkFields(body, [
    { name: "stream", type: "boolean" },
    { name: "max_tokens", type: "integer", min: 1 },
    { name: "n", type: "integer", min: 1, max: 128 },
    { name: "temperature", type: "number", min: 0, max: 2 },
    { name: "top_p", type: "number", min: 0, max: 1 },
  ]);
}

function renderWhole({ model, inputTokens, answers }: Text, frame: Frame): string {
  const choices = answers.map(
    ({ text, finishReason }, index) =>
      `{"text":"${text}","index":${index},"logprobs":null,"finish_reason":"${finishReason}"}`,
  );
  return (
    `{"id":"cmpl-${frame.suffix}","object":"text_completion","created":${frame.createdAt},"model":${JSON.stringify(model)},` +
    `"choices":[${choices.join(",")}],"usage":${renderUsage(inputTokens, sumTokens(answers))}}`
  );
}

function renderStream(
  { model, inputTokens, answers }: Text,
  frame: Frame,
  includeUsage: boolean,
): StreamedAnswer {
  const start =
    `data: {"id":"cmpl-${frame.suffix}","object":"text_completion","created":${frame.createdAt},` +
    `"model":${JSON.stringify(model)},"choices":[`;
  const event = (index: number, text: string, finish = "null"): string =>
    `${start}{"text":"${text}","index":${index},"logprobs":null,"finish_reason":${finish}}]}\n\n`;
  const pieces = answers.map((answer) => answer.pieces());
  const longest = Math.max(...answers.map(({ tokens }) => tokens));
  const steps = Array.from({ length: longest }, (_, token) =>
    pieces.map((own, index) => (own[token] === undefined ? "" : event(index, own[token]))).join(""),
  );
  const usage = includeUsage ? `${start}],"usage":${renderUsage(inputTokens, sumTokens(answers))}}\n\n` : "";
  const ends = answers.map(({ finishReason }, index) => event(index, "", `"${finishReason}"`)).join("");
  return { head: "", steps, tail: `${ends}${usage}data: [DONE]\n\n` };
}

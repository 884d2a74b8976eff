import { type ApiError, apiError } from "../api-error.ts";
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
import { countJsonFields, countMessages, lastUserText } from "./message-text.ts";
import type { Body, Frame, Plan, PlanTools, StreamedAnswer } from "./plan.ts";
import { renderUsage } from "./usage.ts";

const roles: readonly unknown[] = ["system", "developer", "user", "assistant", "tool", "function"];

/** `POST /v1/chat/completions`. */
export function planChatCompletion(body: Body, tools: PlanTools): Plan | ApiError {
  const wrong = checkBody(body);
  if (wrong !== undefined) return wrong;
  const messages = body["messages"] as Body[];
  const prompt = countJsonFields(body, ["tools", "functions", "response_format"], tools.countTokens);
  const inputTokens = prompt + countMessages(messages, tools.countTokens);
  const maxTokens = readNumber(
    body,
    "max_completion_tokens",
    readNumber(body, "max_tokens", Number.POSITIVE_INFINITY),
  );
  const answers = drawAnswers(tools, { inputTokens, choices: readNumber(body, "n", 1), maxTokens });
  if (!Array.isArray(answers)) return answers;
  const chat: Chat = { model: body["model"] as string, inputTokens, answers, seed: tools.options.seed };
  const includeUsage = isObject(body["stream_options"]) && body["stream_options"]["include_usage"] === true;
  return {
    kind: "plan",
    model: chat.model,
    inputTokens,
    outputTokens: sumTokens(answers),
    finishReason: overallFinish(answers),
    render: (frame) => renderWhole(chat, frame),
    ...(body["stream"] === true && {
      renderStream: (frame: Frame) => renderStream(chat, frame, includeUsage),
    }),
    lastUserText: () => lastUserText(messages),
  };
}

interface Chat {
  readonly model: string;
  readonly inputTokens: number;
  readonly answers: readonly Answer[];
  readonly seed: number;
}

function checkBody(body: Body): ApiError | undefined {
  const wrong = checkModel(body) ?? checkMessages(body["messages"]);
  if (wrong !== undefined) return wrong;
  if (body["stream_options"] !== undefined && body["stream_options"] !== null && body["stream"] !== true) {
    const message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
    return apiError(400, message, { param: "stream_options" });
  }
  return checkFields(body, [
    { name: "stream", type: "boolean" },
    { name: "max_completion_tokens", type: "integer", min: 1 },
    { name: "max_tokens", type: "integer", min: 1 },
    { name: "n", type: "integer", min: 1, max: 128 },
    { name: "temperature", type: "number", min: 0, max: 2 },
    { name: "top_p", type: "number", min: 0, max: 1 },
    { name: "presence_penalty", type: "number", min: -2, max: 2 },
    { name: "frequency_penalty", type: "number", min: -2, max: 2 },
    { name: "seed", type: "integer" },
    { name: "user", type: "string" },
  ]);
}

function checkMessages(messages: unknown): ApiError | undefined {
  if (messages === undefined) return missing("messages");
  if (!Array.isArray(messages)) return invalidType("messages", "an array of objects", messages);
  if (messages.length === 0) return emptyArray("messages");
  for (const [index, message] of messages.entries()) {
    const wrong = checkMessage(message, `messages[${index}]`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkMessage(message: unknown, param: string): ApiError | undefined {
  if (!isObject(message)) return invalidType(param, "an object", message);
  const { role, content } = message;
  if (role === undefined) return missing(`${param}.role`);
  if (!roles.includes(role)) {
    const told = `Invalid value: ${JSON.stringify(role)}. Supported values are: ${roles.map((name) => `'${name}'`).join(", ")}.`;
    return apiError(400, told, { param: `${param}.role`, code: "invalid_value" });
  }
  if (typeof content === "string" || Array.isArray(content)) return undefined;
  const mayBeEmpty = role === "assistant" && (content === undefined || content === null);
  return mayBeEmpty
    ? undefined
    : invalidType(`${param}.content`, "one of a string or array of objects", content);
}

function renderWhole({ model, inputTokens, answers, seed }: Chat, frame: Frame): string {
  const choices = answers.map(
    ({ text, finishReason }, index) =>
      `{"index":${index},"message":{"role":"assistant","content":"${text}","refusal":null,"annotations":[]},` +
      `"logprobs":null,"finish_reason":"${finishReason}"}`,
  );
  return (
    `{"id":"chatcmpl-${frame.suffix}","object":"chat.completion","created":${frame.createdAt},"model":${JSON.stringify(model)},` +
    `"choices":[${choices.join(",")}],"usage":${renderUsage(inputTokens, sumTokens(answers))},` +
    `"service_tier":"default","system_fingerprint":"fp_sim_${seed}"}`
  );
}

function renderStream(
  { model, inputTokens, answers, seed }: Chat,
  frame: Frame,
  includeUsage: boolean,
): StreamedAnswer {
  const start =
    `data: {"id":"chatcmpl-${frame.suffix}","object":"chat.completion.chunk","created":${frame.createdAt},` +
    `"model":${JSON.stringify(model)},"service_tier":"default","system_fingerprint":"fp_sim_${seed}","choices":[`;
  const end = includeUsage ? '],"usage":null}\n\n' : "]}\n\n";
  const event = (index: number, delta: string, finish = "null"): string =>
    `${start}{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${finish}}${end}`;
  const pieces = answers.map((answer) => answer.pieces());
  const longest = Math.max(...answers.map(({ tokens }) => tokens));
  const steps = Array.from({ length: longest }, (_, token) =>
    pieces
      .map((own, index) => (own[token] === undefined ? "" : event(index, `{"content":"${own[token]}"}`)))
      .join(""),
  );
  const usage = includeUsage ? `${start}],"usage":${renderUsage(inputTokens, sumTokens(answers))}}\n\n` : "";
  return {
    head: answers
      .map((_, index) => event(index, '{"role":"assistant","content":"","refusal":null}'))
      .join(""),
    steps,
    tail: `${answers.map(({ finishReason }, index) => event(index, "{}", `"${finishReason}"`)).join("")}${usage}data: [DONE]\n\n`,
  };
}

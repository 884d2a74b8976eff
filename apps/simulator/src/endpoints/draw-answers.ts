import { type ApiError, apiError } from "../api-error.ts";
import { drawOutputLength, type OutputLength } from "../output-length.ts";
import type { PlanTools } from "./plan.ts";

/** One choice of an answer. */
export interface Answer extends OutputLength {
  readonly text: string;
  /** The text, one piece for each token. */
  pieces(): string[];
}

/** What bounds the answers of a call. */
export interface AnswerBounds {
  readonly inputTokens: number;
  readonly choices: number;
  /** The caller's maximum, Infinity without. */
  readonly maxTokens: number;
}

/** The answers of a call, or OpenAI's error when the prompt leaves no room for one. */
export function drawAnswers(tools: PlanTools, bounds: AnswerBounds): Answer[] | ApiError {
  const { options, tape, random } = tools;
  const room =
    options.contextWindow === 0 ? Number.POSITIVE_INFINITY : options.contextWindow - bounds.inputTokens;
  if (room < 1) return contextExceeded(options.contextWindow, bounds.inputTokens);
  const model = { mean: options.meanOutputTokens, spread: options.outputSpread };
  return Array.from({ length: bounds.choices }, () => {
    const length = drawOutputLength(random, model, Math.min(bounds.maxTokens, room));
    const start = tape.pickStart(random);
    return {
      ...length,
      text: tape.cut(start, length.tokens),
      pieces: () => tape.pieces(start, length.tokens),
    };
  });
}

/** Output tokens of all choices. */
export function sumTokens(answers: readonly Answer[]): number {
  return answers.reduce((total, { tokens }) => total + tokens, 0);
}

/** Cut if any choice was. */
export function overallFinish(answers: readonly Answer[]): "stop" | "length" {
  return answers.some(({ finishReason }) => finishReason === "length") ? "length" : "stop";
}

function contextExceeded(window: number, tokens: number): ApiError {
  const message = `This model's maximum context length is ${window} tokens. However, your messages resulted in ${tokens} tokens.`;
  return apiError(400, message, { param: "messages", code: "context_length_exceeded" });
}

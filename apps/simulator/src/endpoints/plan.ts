import type { ApiError } from "../api-error.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Random } from "../random.ts";
import type { TextTape } from "../text-tape.ts";
import type { CountTokens } from "../tokenizer.ts";

/** A request body that is a JSON object. */
export type Body = Readonly<Record<string, unknown>>;

/** What an answer needs to know beyond its plan. */
export interface Frame {
  /** Unique for the call, a pure function of the body and its occurrence. */
  readonly suffix: string;
  /** Unix seconds. */
  readonly createdAt: number;
}

/** A streamed answer: SSE text before the first token, for each token, after the last. */
export interface StreamedAnswer {
  readonly head: string;
  readonly steps: readonly string[];
  readonly tail: string;
}

/** What a call will be answered with, known at arrival: that is what its tokens are charged by. */
export interface Plan {
  readonly kind: "plan";
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** `length` when a bound of the request cut the answer. */
  readonly finishReason: "stop" | "length";
  render(frame: Frame): string;
  /** Present when the request asked for a stream. */
  readonly renderStream?: (frame: Frame) => StreamedAnswer;
  /** What the last user message says; fault marks are read from it. */
  lastUserText(): string;
}

/** What endpoints share; `random` belongs to the one call. */
export interface PlanTools {
  readonly options: ResolvedOptions;
  readonly countTokens: CountTokens;
  readonly tape: TextTape;
  readonly random: Random;
}

/** Reads a body as its endpoint does, or says what is wrong with it. */
export type PlanCall = (body: Body, tools: PlanTools) => Plan | ApiError;

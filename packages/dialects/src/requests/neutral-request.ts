import type { Fields } from "../fields.ts";

/** A value with the place in the client's body where it was said, for refusals. */
export interface Stated<T> {
  readonly at: string;
  readonly value: T;
}

export type Part =
  | { readonly kind: "text"; readonly text: string }
  /** What the model said instead of an answer. */
  | { readonly kind: "refusal"; readonly text: string }
  | { readonly kind: "image"; readonly source: ImageSource; readonly detail?: string | undefined };

export type ImageSource =
  | { readonly kind: "url"; readonly url: string }
  /** Base64 without a `data:` before it. */
  | { readonly kind: "data"; readonly mediaType: string; readonly data: string };

/** A call of a tool that the model asked for. */
export interface ToolCall {
  readonly at: string;
  readonly id: string;
  readonly name: string;
  /** JSON text, as OpenAI's dialects have it. */
  readonly arguments: string;
}

/** One step of a conversation, with its place in the client's body. */
export type Turn = { readonly at: string } & (
  | { readonly kind: "system"; readonly role: "system" | "developer"; readonly parts: readonly Part[] }
  | { readonly kind: "user"; readonly parts: readonly Part[] }
  | { readonly kind: "assistant"; readonly parts: readonly Part[]; readonly calls: readonly ToolCall[] }
  | { readonly kind: "result"; readonly callId: string; readonly parts: readonly Part[] }
);

export interface Tool {
  readonly name: string;
  readonly description: string | undefined;
  /** JSON Schema; absent: it takes nothing. */
  readonly parameters: Fields | undefined;
  readonly strict: boolean | undefined;
}

export type ToolChoice =
  | { readonly kind: "auto" | "none" | "required" }
  | { readonly kind: "tool"; readonly name: string };

export type Format =
  | { readonly kind: "text" | "json" }
  | {
      readonly kind: "schema";
      readonly name: string | undefined;
      readonly description: string | undefined;
      readonly schema: Fields;
      readonly strict: boolean | undefined;
    };

/** A request with everything that all dialects can say; what only one can say is refused when it is read. */
export interface NeutralRequest {
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
  /** Whether the model may call several tools at once. */
  readonly parallelCalls: boolean | undefined;
  readonly format: Stated<Format> | undefined;
  readonly maxTokens: number | undefined;
  readonly temperature: Stated<number> | undefined;
  readonly topP: number | undefined;
  readonly stop: Stated<readonly string[]> | undefined;
  readonly effort: Stated<string> | undefined;
  readonly verbosity: Stated<string> | undefined;
}

/** The schema of a tool that takes nothing. */
export const noParameters: Fields = { type: "object", properties: {} };

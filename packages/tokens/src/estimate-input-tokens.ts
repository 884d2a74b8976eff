import { createTextCounter, type TextCounter } from "./count-text.ts";

/** Role, separators: what a chat template puts around each message. */
const perMessage = 4;
/** What a chat template puts before the answer. */
const perRequest = 3;
/** An image that is not looked at; OpenAI's high detail of a usual picture. */
const perImage = 765;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Estimates the prompt tokens of a parsed request body (chat, completions, embeddings, responses, messages).
 * Always at least 1. What providers count differently (other encodings, templates, images), capacity learns from what
 * each target charges.
 */
export function estimateInputTokens(body: unknown): number {
  if (!isFields(body)) return 1;
  const texts = createTextCounter();
  let tokens = 0;
  for (const key of ["messages", "input", "prompt", "system", "instructions"])
    tokens += tokensOf(body[key], texts);
  // Schemas are sent as text of their own; their JSON is a fair stand-in.
  for (const key of ["tools", "functions", "response_format", "output_config"]) {
    if (body[key] !== undefined) tokens += texts.count(JSON.stringify(body[key]));
  }
  return Math.max(1, Math.ceil(tokens + (body["messages"] === undefined ? 0 : perRequest)));
}

function tokensOf(value: unknown, texts: TextCounter): number {
  if (typeof value === "string") return texts.count(value);
  if (Array.isArray(value)) return tokensOfItems(value, texts);
  if (!isFields(value)) return 0;
  return tokensOfMessage(value, texts);
}

function tokensOfItems(items: readonly unknown[], texts: TextCounter): number {
  // Embeddings and completions take prompts that are tokens already.
  if (typeof items[0] === "number") return items.length;
  let tokens = 0;
  for (const item of items) tokens += tokensOf(item, texts);
  return tokens;
}

function tokensOfMessage(message: Fields, texts: TextCounter): number {
  if (isImage(message)) return perImage;
  let tokens = typeof message["role"] === "string" ? perMessage : 0;
  for (const key of ["content", "text", "arguments", "output"]) tokens += tokensOf(message[key], texts);
  for (const key of ["tool_calls", "input"]) {
    if (typeof message[key] === "object" && message[key] !== null)
      tokens += texts.count(JSON.stringify(message[key]));
  }
  return tokens;
}

function isImage(part: Fields): boolean {
  return part["type"] === "image_url" || part["type"] === "input_image" || part["type"] === "image";
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

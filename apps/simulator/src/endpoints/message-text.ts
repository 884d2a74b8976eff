import type { CountTokens } from "../tokenizer.ts";
import { isObject } from "./check-fields.ts";
import type { Body } from "./plan.ts";

/** Tokens that a picture or sound counts as, whatever its size. */
const mediaTokens = 85;

/** OpenAI's framing of a chat: three tokens for each message and its role, three that prime the answer. */
const messageOverhead = 4;
const replyOverhead = 3;

/** Tokens of a list of chat messages. */
export function countMessages(messages: readonly Body[], countTokens: CountTokens): number {
  let total = replyOverhead;
  for (const message of messages) {
    total += messageOverhead + countContent(message["content"], countTokens);
    if (typeof message["name"] === "string") total += 1 + countTokens(message["name"]);
    if (message["tool_calls"] !== undefined) total += countTokens(JSON.stringify(message["tool_calls"]));
  }
  return total;
}

/** Tokens of what a message holds: a string, or a list of parts. */
function countContent(content: unknown, countTokens: CountTokens): number {
  if (typeof content === "string") return countTokens(content);
  if (!Array.isArray(content)) return 0;
  return content.reduce((total: number, part: unknown) => {
    if (!isObject(part)) return total;
    return total + (typeof part["text"] === "string" ? countTokens(part["text"]) : mediaTokens);
  }, 0);
}

/** Tokens of fields that are prompt by their JSON text, such as tool definitions. */
export function countJsonFields(body: Body, names: readonly string[], countTokens: CountTokens): number {
  let total = 0;
  for (const name of names) {
    if (body[name] !== undefined && body[name] !== null) total += countTokens(JSON.stringify(body[name]));
  }
  return total;
}

/** The text of the last message of the user, for fault marks. */
export function lastUserText(messages: readonly Body[]): string {
  const message = messages.findLast(({ role }) => role === "user");
  const content = message?.["content"];
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: unknown) => (isObject(part) ? String(part["text"] ?? "") : "")).join("\n");
}

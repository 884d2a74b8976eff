import type { ResponseId } from "@sluice/domain";
import { isJsonObject } from "../parse-json.ts";

type Item = Readonly<Record<string, unknown>>;

/** A request's `input` as the items that it stands for: a text is a message of the user. */
function itemsOf(input: unknown): readonly unknown[] {
  if (Array.isArray(input)) return input;
  return input === undefined || input === null ? [] : [{ role: "user", content: input }];
}

/**
 * What an upstream is sent when a request goes on from another: that one's items, what came of them, and the new ones.
 * Reasoning goes along only encrypted: other reasoning is a reference into the store of the upstream that made it.
 */
export function continuedItems(earlier: unknown, output: unknown, input: unknown): readonly unknown[] {
  return [...itemsOf(earlier), ...itemsOf(output).filter(canGoOn), ...itemsOf(input)];
}

function canGoOn(item: unknown): boolean {
  if (!isJsonObject(item) || item["type"] !== "reasoning") return true;
  return typeof item["encrypted_content"] === "string";
}

const prefixes: Readonly<Record<string, string>> = {
  message: "msg",
  function_call: "fc",
  function_call_output: "fco",
  reasoning: "rs",
};

/** The input items of a response as OpenAI lists them: each with an id, messages with their contents in parts. */
export function renderInputItems(id: ResponseId, input: unknown): Record<string, unknown>[] {
  return itemsOf(input).map((item, index) => {
    const given: Item = isJsonObject(item) ? item : { role: "user", content: String(item) };
    const type = typeof given["type"] === "string" ? given["type"] : "message";
    const own = typeof given["id"] === "string" ? given["id"] : undefined;
    const made = `${prefixes[type] ?? "item"}_${id.slice("resp_".length).replaceAll("-", "")}${index}`;
    const head = { ...given, id: own ?? made, type };
    if (type === "message") return { status: "completed", ...head, content: partsOf(given) };
    return type === "reasoning" ? { summary: [], ...head } : { status: "completed", ...head };
  });
}

function partsOf({ role, content }: Item): unknown[] {
  const parts = Array.isArray(content) ? content : [{ text: content ?? "" }];
  const ofText = role === "assistant" ? "output_text" : "input_text";
  return parts.map((part: unknown) => {
    if (!isJsonObject(part)) return part;
    const type = part["type"] ?? ofText;
    if (type === "output_text") return { annotations: [], logprobs: [], ...part, type };
    return type === "input_image" ? { detail: "auto", ...part } : { ...part, type };
  });
}

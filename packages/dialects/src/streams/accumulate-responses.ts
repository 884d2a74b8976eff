import { countOf, type Fields, isFields, textOf } from "../fields.ts";
import type { Accumulated, Accumulator } from "./accumulator.ts";

const ends: ReadonlySet<unknown> = new Set([
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.cancelled",
]);

type Writable = Record<string, unknown>;

/** Of response.* events. The last one carries the whole response; before it, what came is put together. */
export function createResponsesAccumulator(): Accumulator {
  let response: Writable | undefined;
  const items: Writable[] = [];
  let accumulated: Accumulated | undefined;

  return {
    add(event) {
      const { type } = event;
      if (type === "error") accumulated ??= { kind: "failed", error: event };
      else if (type === undefined && isFields(event["error"]))
        accumulated ??= { kind: "failed", error: event["error"] };
      else if (ends.has(type) && isFields(event["response"])) accumulated ??= endOf(event["response"]);
      else if (isFields(event["response"])) response = { ...event["response"] };
      else addToItem(items, event);
    },
    read(): Accumulated {
      if (accumulated !== undefined) return accumulated;
      if (response === undefined) return { kind: "partial", body: undefined };
      return { kind: "partial", body: { ...response, output: structuredClone(items) } };
    },
  };
}

function endOf(response: Fields): Accumulated {
  const { status, error } = response;
  if (status !== "failed") return { kind: "complete", body: response };
  return {
    kind: "failed",
    error: isFields(error) ? error : { code: "server_error", message: "The response failed." },
  };
}

function addToItem(items: Writable[], event: Fields): void {
  const index = event["output_index"];
  if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index > items.length) return;
  if (isFields(event["item"])) {
    items[index] = structuredClone(event["item"]) as Writable;
    return;
  }
  const item = items[index];
  if (item !== undefined) addToPart(item, event);
}

/** Where the pieces of a kind of delta go: the list of parts, if the item has one, and the field. */
interface Place {
  readonly list?: "content" | "summary";
  readonly field: string;
}

const deltas: ReadonlyMap<unknown, Place> = new Map<unknown, Place>([
  ["response.output_text.delta", { list: "content", field: "text" }],
  ["response.refusal.delta", { list: "content", field: "refusal" }],
  ["response.reasoning_text.delta", { list: "content", field: "text" }],
  ["response.reasoning_summary_text.delta", { list: "summary", field: "text" }],
  ["response.function_call_arguments.delta", { field: "arguments" }],
  ["response.custom_tool_call_input.delta", { field: "input" }],
]);

function addToPart(item: Writable, event: Fields): void {
  const isSummary = event["summary_index"] !== undefined;
  const at = countOf(event["summary_index"] ?? event["content_index"]) ?? 0;
  if (isFields(event["part"])) {
    setPart(item, isSummary ? "summary" : "content", at, { ...event["part"] });
    return;
  }
  const place = deltas.get(event["type"]);
  if (place === undefined) return;
  const { list, field } = place;
  const held = list === undefined ? item : partAt(item, list, at);
  if (held !== undefined) held[field] = (textOf(held[field]) ?? "") + (textOf(event["delta"]) ?? "");
}

/** The texts of reasoning have no event of their own that begins them. */
function partAt(item: Writable, list: "content" | "summary", at: number): Writable | undefined {
  const type = list === "summary" ? "summary_text" : "reasoning_text";
  if (!isFields(partsOf(item, list)[at])) setPart(item, list, at, { type });
  return partsOf(item, list)[at] as Writable | undefined;
}

function setPart(item: Writable, list: string, at: number, part: Writable): void {
  const parts = partsOf(item, list);
  if (at > parts.length) return;
  parts[at] = part;
  item[list] = parts;
}

function partsOf(item: Writable, list: string): unknown[] {
  const parts = item[list];
  return Array.isArray(parts) ? parts : [];
}

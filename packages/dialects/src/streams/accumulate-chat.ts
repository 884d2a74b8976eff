import { type Fields, isAbsent, isFields, objectsOf, textOf } from "../fields.ts";
import type { Accumulated, Accumulator } from "./accumulator.ts";

interface Choice {
  /** Fields of the message by name; a Map, because names are the upstream's choice. */
  readonly message: Map<string, unknown>;
  readonly calls: Map<number, Fields>;
  logprobs: Fields | null;
  finishReason: unknown;
}

/** Of chat.completion.chunk objects. Complete once every choice that began has its finish reason. */
export function createChatAccumulator(): Accumulator {
  const shared = new Map<string, unknown>();
  const choices = new Map<number, Choice>();
  let error: Fields | undefined;

  const choiceAt = (index: number): Choice => {
    const found = choices.get(index);
    if (found !== undefined) return found;
    const made: Choice = { message: new Map(), calls: new Map(), logprobs: null, finishReason: null };
    choices.set(index, made);
    return made;
  };

  return {
    add(chunk) {
      if (isFields(chunk["error"])) error ??= chunk["error"];
      for (const [name, value] of Object.entries(chunk)) {
        if (name !== "choices" && name !== "object" && !isAbsent(value)) shared.set(name, value);
      }
      for (const choice of objectsOf(chunk["choices"])) {
        const index = choice["index"];
        addChoice(choiceAt(typeof index === "number" ? index : 0), choice);
      }
    },
    read(): Accumulated {
      if (error !== undefined) return { kind: "failed", error };
      if (choices.size === 0) return { kind: "partial", body: undefined };
      const isComplete = [...choices.values()].every(({ finishReason }) => !isAbsent(finishReason));
      return { kind: isComplete ? "complete" : "partial", body: bodyOf(shared, choices) };
    },
  };
}

function addChoice(choice: Choice, { delta, finish_reason: finish, logprobs }: Fields): void {
  if (!isAbsent(finish)) choice.finishReason = finish;
  if (isFields(logprobs)) choice.logprobs = joinLists(choice.logprobs, logprobs);
  if (!isFields(delta)) return;
  for (const [name, value] of Object.entries(delta)) {
    if (name === "tool_calls") for (const call of objectsOf(value)) addCall(choice.calls, call);
    else addField(choice.message, name, value);
  }
}

/** Text goes on where it stopped, lists grow; anything else, and the role, is as it was said last. */
function addField(message: Map<string, unknown>, name: string, value: unknown): void {
  const before = message.get(name);
  if (isAbsent(value)) {
    if (before === undefined) message.set(name, null);
  } else if (typeof before === "string" && typeof value === "string" && name !== "role")
    message.set(name, before + value);
  else if (Array.isArray(before) && Array.isArray(value)) message.set(name, [...before, ...value]);
  else message.set(name, value);
}

/** Names come whole, arguments and inputs in pieces. */
function addCall(calls: Map<number, Fields>, { index, ...delta }: Fields): void {
  const place = typeof index === "number" ? index : calls.size;
  const before = calls.get(place) ?? {};
  const merged: Record<string, unknown> = { ...before };
  for (const name of ["id", "type"]) if (!isAbsent(delta[name])) merged[name] = delta[name];
  for (const [kind, piece] of [
    ["function", "arguments"],
    ["custom", "input"],
  ] as const) {
    const added = delta[kind];
    if (!isFields(added)) continue;
    const held = isFields(before[kind]) ? before[kind] : {};
    const name = isAbsent(added["name"]) ? held["name"] : added["name"];
    merged[kind] = { name, [piece]: (textOf(held[piece]) ?? "") + (textOf(added[piece]) ?? "") };
  }
  calls.set(place, merged);
}

function joinLists(before: Fields | null, added: Fields): Fields {
  const joined = new Map(Object.entries(before ?? {}));
  for (const [name, value] of Object.entries(added)) addField(joined, name, value);
  return Object.fromEntries(joined);
}

function bodyOf(shared: ReadonlyMap<string, unknown>, choices: ReadonlyMap<number, Choice>): Fields {
  const inOrder = [...choices].sort(([a], [b]) => a - b);
  const { id, usage, ...rest } = Object.fromEntries(shared);
  return {
    id: id ?? "",
    object: "chat.completion",
    ...rest,
    choices: inOrder.map(([index, { message, calls, logprobs, finishReason }]) => ({
      index,
      message: {
        role: "assistant",
        content: null,
        refusal: null,
        ...Object.fromEntries(message),
        ...(calls.size === 0 ? {} : { tool_calls: callsInOrder(calls) }),
      },
      logprobs,
      finish_reason: finishReason,
    })),
    ...(usage === undefined ? {} : { usage }),
  };
}

function callsInOrder(calls: ReadonlyMap<number, Fields>): Fields[] {
  return [...calls].sort(([a], [b]) => a - b).map(([, call]) => ({ type: "function", ...call }));
}

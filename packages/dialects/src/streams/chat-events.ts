import { type Fields, isAbsent, isFields, objectsOf } from "../fields.ts";
import type { StreamEvent } from "./stream-event.ts";

/** What a client's request says of its stream. */
export interface ChatStreamOptions {
  /** `stream_options.include_usage`: a last chunk without choices carries the usage. */
  readonly includeUsage?: boolean;
}

/** The chunks of a complete chat completion: for each choice the role, one delta for each kind of content, the finish. */
export function chatEvents(body: Fields, { includeUsage = false }: ChatStreamOptions): StreamEvent[] {
  const { choices, usage, ...shared } = body;
  const chunk = (fields: Fields): StreamEvent => ({
    data: {
      ...shared,
      object: "chat.completion.chunk",
      ...(includeUsage ? { usage: null } : {}),
      ...fields,
    },
  });
  const events = objectsOf(choices).flatMap((choice, place) => {
    const index = choice["index"] ?? place;
    const last = { index, delta: {}, logprobs: null, finish_reason: choice["finish_reason"] ?? "stop" };
    return [...deltasOf(choice).map((delta) => ({ index, ...delta, finish_reason: null })), last];
  });
  const chunks = events.map((choice) => chunk({ choices: [choice] }));
  return includeUsage ? [...chunks, chunk({ choices: [], usage: usage ?? null })] : chunks;
}

interface Delta {
  readonly delta: Fields;
  readonly logprobs: unknown;
}

function deltasOf(choice: Fields): Delta[] {
  const message = isFields(choice["message"]) ? choice["message"] : {};
  const { role, content, refusal, tool_calls: calls, ...rest } = message;
  const bare = { logprobs: null };
  const start = { role: role ?? "assistant", content: isAbsent(content) ? null : "", refusal: null };
  const others = Object.entries(rest).filter(([, value]) => !isAbsent(value));
  return [
    { delta: start, ...bare },
    ...others.map(([name, value]) => ({ delta: Object.fromEntries([[name, value]]), ...bare })),
    ...(isAbsent(content) || content === ""
      ? []
      : [{ delta: { content }, logprobs: choice["logprobs"] ?? null }]),
    ...(isAbsent(refusal) ? [] : [{ delta: { refusal }, ...bare }]),
    ...objectsOf(calls).map((call, index) => ({ delta: { tool_calls: [{ index, ...call }] }, ...bare })),
  ];
}

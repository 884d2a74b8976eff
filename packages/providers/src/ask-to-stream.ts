import { findTopLevelSpans } from "@sluice/contracts";

/**
 * The body of a streamed call, its other bytes as the client sent them. Chat Completions tells its usage only when it
 * is asked to. The body must be a valid JSON object.
 */
export function askToStream(endpoint: string, body: Buffer): Buffer {
  const streaming = setTopLevel(body, "stream", () => true);
  if (endpoint !== "/v1/chat/completions") return streaming;
  return setTopLevel(streaming, "stream_options", (before) => ({ ...asObject(before), include_usage: true }));
}

/** Of a key that stands more than once, each value is replaced. */
function setTopLevel(body: Buffer, key: string, valueAfter: (before: unknown) => unknown): Buffer {
  const spans = findTopLevelSpans(body, [key])[key] ?? [];
  if (spans.length > 0)
    return replaceSpans(body, spans, (text) => JSON.stringify(valueAfter(JSON.parse(text))));
  const opening = body.indexOf("{") + 1;
  const added = Buffer.from(`${JSON.stringify(key)}:${JSON.stringify(valueAfter(undefined))}`);
  const separator = isEmptyObject(body, opening) ? "" : ",";
  return Buffer.concat([body.subarray(0, opening), added, Buffer.from(separator), body.subarray(opening)]);
}

type Span = ReturnType<typeof findTopLevelSpans<"x">>["x"][number];

function replaceSpans(body: Buffer, spans: readonly Span[], textAfter: (text: string) => string): Buffer {
  const parts: Buffer[] = [];
  let copied = 0;
  for (const { start, end } of spans) {
    parts.push(body.subarray(copied, start), Buffer.from(textAfter(body.toString("utf8", start, end))));
    copied = end;
  }
  return Buffer.concat([...parts, body.subarray(copied)]);
}

function isEmptyObject(body: Buffer, opening: number): boolean {
  return body.subarray(opening).toString("utf8").trimStart().startsWith("}");
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

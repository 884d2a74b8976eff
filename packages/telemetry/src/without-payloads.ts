import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import { isForbiddenName, redactText, stackFrames } from "./redact.ts";

const maxTextLength = 256;

/**
 * Parts of an attribute's name that mark content, wherever they stand: `bullmq.job.result` (BullMQ puts the whole
 * return value there), `gen_ai.prompt.0.content`, `http.request.body`. Options hold connection URLs.
 */
const forbiddenParts = new Set([
  ..."result results data body prompt prompts input output content message messages payload".split(" "),
  ..."completion arguments options opts progress returnvalue query authorization cookie secret password".split(
    " ",
  ),
]);

const forbiddenNames = new Set(["bullmq.job.failed.reason", "url.full", "http.url", "http.target"]);

/**
 * Wraps an exporter so that no prompt, result or secret leaves with a span, whoever set it: attributes of spans, events
 * and links go by name, text is cut at 256 characters, and of errors only type and stack frames remain.
 */
export function withoutPayloads(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.map(strip), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

/** Attributes as they may leave the process. Numbers and booleans are harmless under any name. */
function safeAttributes(attributes: Attributes): Attributes {
  const safe: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "exception.stacktrace") safe[name] = stackFrames({ stack: String(value) });
    else if (value !== undefined && (isHarmless(value) || !isForbidden(name))) safe[name] = shorten(value);
  }
  return safe;
}

function strip(span: ReadableSpan): ReadableSpan {
  return {
    name: shortText(span.name),
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext ? { parentSpanContext: span.parentSpanContext } : {}),
    startTime: span.startTime,
    endTime: span.endTime,
    status: { code: span.status.code }, // its message is an error's message
    attributes: safeAttributes(span.attributes),
    links: span.links.map((link) => ({ ...link, attributes: safeAttributes(link.attributes ?? {}) })),
    events: span.events.map((event) => ({
      ...event,
      name: shortText(event.name),
      attributes: safeAttributes(event.attributes ?? {}),
    })),
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function isHarmless(value: AttributeValue): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

function isForbidden(name: string): boolean {
  const lower = name.toLowerCase();
  if (forbiddenNames.has(lower) || isForbiddenName(lower)) return true;
  return lower.split(/[^a-z0-9]+/).some((part) => forbiddenParts.has(part));
}

function shorten(value: AttributeValue): AttributeValue {
  if (typeof value === "string") return shortText(value);
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) => (typeof item === "string" ? shortText(item) : item)) as AttributeValue;
}

function shortText(text: string): string {
  return redactText(text).slice(0, maxTextLength);
}

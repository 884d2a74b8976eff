import type { Attributes, Exception, Span, Telemetry } from "bullmq";
import { BullMQOtel } from "bullmq-otel";

/**
 * What may be said of a job in a trace. A list of what is allowed, because BullMQ writes return values
 * (`bullmq.job.result`) into spans today and may write more tomorrow.
 */
const allowed = new Set([
  "bullmq.queue.name",
  "bullmq.queue.operation",
  "bullmq.job.bulk.count",
  "bullmq.job.id",
  "bullmq.job.name",
  "bullmq.job.attempts.made",
  "bullmq.job.attempt_finished_timestamp",
  "bullmq.job.processed.timestamp",
  "bullmq.job.failed.reason",
  "bullmq.worker.id",
  "bullmq.worker.name",
]);

/** BullMQ's OpenTelemetry spans (through the globally registered provider), without payloads or results. */
export function createQueueTelemetry(): Telemetry {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: "sluice.queue" });
  return {
    contextManager,
    tracer: { startSpan: (name, options, context) => redact(tracer.startSpan(name, options, context)) },
  };
}

/** The form in which BullMQ keeps a trace context with a job. */
export function traceMetadata(traceparent: string): string {
  return JSON.stringify({ traceparent });
}

/** The `traceparent` inside what BullMQ kept, if there is one. */
export function traceparentOf(metadata: unknown): string | undefined {
  if (typeof metadata !== "string") return undefined;
  return /"traceparent":"([0-9a-f-]{55})"/.exec(metadata)?.[1];
}

/** A span that passes on only what is allowed. */
export function redact(span: Span): Span {
  return {
    setSpanOnContext: (context) => span.setSpanOnContext(context),
    setAttribute: (key, value) => {
      if (allowed.has(key)) span.setAttribute(key, value);
    },
    setAttributes: (attributes) => span.setAttributes(keep(attributes)),
    addEvent: (name, attributes) => span.addEvent(name, keep(attributes ?? {})),
    recordException: (exception, time) => span.recordException(describe(exception), time),
    end: () => span.end(),
  };
}

function keep(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => allowed.has(key)));
}

/** The kind of an error, not its words: they may quote what Redis or a handler had in hand. */
function describe(exception: Exception): Exception {
  if (typeof exception === "string") return { name: "Error" };
  return { name: exception.name ?? "Error" };
}

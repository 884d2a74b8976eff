import type { Span } from "bullmq";
import { expect, test } from "vitest";
import { judgePayload } from "./payload.ts";
import { redact, traceMetadata, traceparentOf } from "./queue-telemetry.ts";

function recordingSpan() {
  const calls: unknown[] = [];
  const record = (...args: unknown[]) => void calls.push(args);
  const span: Span = {
    setSpanOnContext: (context) => context,
    setAttribute: record,
    setAttributes: record,
    addEvent: record,
    recordException: record,
    end: () => undefined,
  };
  return { span: redact(span), text: () => JSON.stringify(calls) };
}

test("a span says which job on which queue, and never what came out of it", () => {
  const { span, text } = recordingSpan();
  span.setAttribute("bullmq.job.id", "job_1");
  span.setAttribute("bullmq.job.result", "SECRET");
  span.setAttributes({
    "bullmq.queue.name": "lane.auto",
    "bullmq.job.progress": "SECRET",
    "made.up.later": "SECRET",
  });
  span.addEvent("job completed", { "bullmq.job.result": "SECRET", "bullmq.job.attempts.made": 1 });
  span.recordException({ name: "ReplyError", message: "SECRET", stack: "SECRET" });
  span.recordException("SECRET");
  expect(text()).not.toContain("SECRET");
  for (const kept of ["job_1", "lane.auto", "job completed", "ReplyError"]) expect(text()).toContain(kept);
});

test("a trace context survives the way into BullMQ's metadata and back", () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  expect(traceparentOf(traceMetadata(traceparent))).toBe(traceparent);
  expect(traceparentOf(undefined)).toBeUndefined();
  expect(traceparentOf(false)).toBeUndefined();
  expect(traceparentOf('{"traceparent":"nonsense"}')).toBeUndefined();
});

test.each([
  [{ v: 1 }, "readable"],
  [{}, "readable"],
  [undefined, "readable"],
  [{ v: 2 }, "newer"],
  [{ v: "1" }, "newer"],
])("judges the payload %j as %s", (data, verdict) => {
  expect(judgePayload(data)).toBe(verdict);
});

import { type Attributes, ROOT_CONTEXT, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { describe, expect, it } from "vitest";
import { withoutPayloads } from "./without-payloads.ts";

const payload = "the patient's diagnosis";

function setup() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(withoutPayloads(exporter))],
  });
  const tracer = provider.getTracer("test");
  const exportSpan = (attributes: Attributes): ReadableSpan => {
    tracer.startSpan("process lane", { attributes }, ROOT_CONTEXT).end();
    const span = exporter.getFinishedSpans().at(-1);
    if (!span) throw new Error("nothing was exported");
    return span;
  };
  return { exporter, tracer, exportSpan };
}

describe("an exporter without payloads", () => {
  it.each([
    "bullmq.job.result",
    "bullmq.job.data",
    "bullmq.job.failed.reason",
    "bullmq.job.options",
    "bullmq.worker.options",
    "bullmq.job.progress",
    "gen_ai.prompt",
    "gen_ai.prompt.0.content",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "llm.completions",
    "http.request.body",
    "http.response.body.text",
    "http.request.header.authorization",
    "http.request.header.x-api-key",
    "url.full",
    "url.query",
    "requestBody",
    "Sluice.Result",
  ])("drops the text attribute %s", (name) => {
    const span = setup().exportSpan({ [name]: payload, "other.name": "kept" });
    expect(span.attributes).toEqual({ "other.name": "kept" });
  });

  it("keeps what names and counts things", () => {
    const attributes = {
      "bullmq.queue.name": "lane-small",
      "bullmq.job.id": "job_1",
      "bullmq.job.attempts.made": 2,
      "gen_ai.usage.input_tokens": 12,
      "http.request.body.size": 512,
      "http.request.method": "POST",
      "sluice.targets": ["a", "b"],
    };
    expect(setup().exportSpan(attributes).attributes).toEqual(attributes);
  });

  it("cuts text under a harmless name, and masks credentials in it", () => {
    const { attributes } = setup().exportSpan({
      note: "x".repeat(1000),
      list: ["y".repeat(1000)],
      key: "Bearer abcdefghijkl",
    });
    expect(attributes).toEqual({ note: "x".repeat(256), list: ["y".repeat(256)], key: "Bearer [redacted]" });
  });

  it("cleans events, links, exceptions and the status, and leaves the original span as it is", () => {
    const { tracer, exporter } = setup();
    const linked = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: TraceFlags.SAMPLED };
    const span = tracer.startSpan(
      "call",
      { links: [{ context: linked, attributes: { "job.result": payload } }] },
      ROOT_CONTEXT,
    );
    span.setAttribute("bullmq.job.result", payload);
    span.addEvent("job completed", { "bullmq.job.result": payload, attempt: 1 });
    span.recordException(Object.assign(new Error(`upstream said: ${payload}`), { name: "UpstreamError" }));
    span.setStatus({ code: SpanStatusCode.ERROR, message: payload });
    span.end();

    const [exported] = exporter.getFinishedSpans();
    expect(exported?.events.map((event) => event.attributes)).toEqual([
      { attempt: 1 },
      {
        "exception.type": "UpstreamError",
        "exception.stacktrace": expect.stringContaining("without-payloads.test"),
      },
    ]);
    expect(exported?.links).toEqual([expect.objectContaining({ context: linked, attributes: {} })]);
    expect(exported?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(JSON.stringify({ ...exported, resource: undefined })).not.toContain("diagnosis");
    expect((span as unknown as ReadableSpan).attributes).toEqual({ "bullmq.job.result": payload });
  });
});

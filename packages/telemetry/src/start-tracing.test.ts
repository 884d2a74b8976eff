import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { InMemorySpanExporter, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { afterEach, describe, expect, it } from "vitest";
import { createLogger } from "./create-logger.ts";
import { startTracing, type Tracing, type TracingOptions } from "./start-tracing.ts";

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const traceId = "0af7651916cd43dd8448eb211c80319c";

let tracing: Tracing | undefined;
afterEach(() => tracing?.shutdown());

function start(options: Partial<TracingOptions> = {}): Tracing {
  tracing = startTracing({ serviceName: "sluice-test", ...options });
  return tracing;
}

/** Keeps spans over a shutdown, which empties the SDK's own in-memory exporter. */
function keepSpans() {
  const spans: ReadableSpan[] = [];
  const memory = new InMemorySpanExporter();
  memory.export = (exported, done) => {
    spans.push(...exported);
    done({ code: 0 });
  };
  return { spans, exporter: memory };
}

describe("tracing without an endpoint", () => {
  it("records nothing, yet hands a parent's traceparent on unchanged", async () => {
    const { inSpan, currentTraceparent } = start();
    expect(currentTraceparent()).toBeUndefined();
    const seen = await inSpan("process job", { parent }, async (span) => {
      span.setAttribute("target", "small");
      await Promise.resolve();
      return inSpan("call target", {}, async () => currentTraceparent());
    });
    expect(seen).toBe(parent);
    expect(currentTraceparent()).toBeUndefined();
  });
});

describe("tracing with an exporter", () => {
  it("makes a span a child of the given parent, or of the span around it", async () => {
    const { spans, exporter } = keepSpans();
    const { inSpan, currentTraceparent, shutdown } = start({ exporter });
    await inSpan("process job", { parent, kind: "consumer", attributes: { "job.id": "job_1" } }, () =>
      inSpan("call target", { kind: "client" }, async (span) => {
        span.setAttribute("target", "small");
        expect(currentTraceparent()).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
      }),
    );
    await shutdown();
    const [inner, outer] = spans;
    expect(outer).toMatchObject({ name: "process job", attributes: { "job.id": "job_1" } });
    expect(outer?.parentSpanContext).toMatchObject({ traceId, spanId: "b7ad6b7169203331" });
    expect(inner).toMatchObject({ name: "call target", attributes: { target: "small" } });
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(inner?.resource.attributes["service.name"]).toBe("sluice-test");
  });

  it("starts a trace of its own when the parent is no traceparent", async () => {
    const { spans, exporter } = keepSpans();
    const { inSpan, shutdown } = start({ exporter });
    await inSpan("outer", {}, () => inSpan("process job", { parent: "garbage" }, async () => undefined));
    await shutdown();
    expect(spans[0]?.parentSpanContext).toBeUndefined();
  });

  it("marks the span of a failure, without its message, and throws the same error on", async () => {
    const { spans, exporter } = keepSpans();
    const { inSpan, shutdown } = start({ exporter });
    const error = new RangeError("the prompt was: diagnosis");
    await expect(inSpan("call target", {}, () => Promise.reject(error))).rejects.toBe(error);
    await shutdown();
    expect(spans[0]?.status).toEqual({ code: 2 });
    expect(spans[0]?.events[0]?.attributes).toMatchObject({ "exception.type": "RangeError" });
    expect(JSON.stringify(spans[0]?.events)).not.toContain("diagnosis");
  });

  it("stands in the log lines that are written within a span", async () => {
    const lines: string[] = [];
    const logger = createLogger({
      role: "test",
      level: "info",
      destination: { write: (line) => void lines.push(line) },
    });
    const { inSpan } = start(keepSpans());
    await inSpan("process job", { parent }, async () => logger.info({}, "inside"));
    logger.info({}, "outside");
    expect(lines.map((line) => JSON.parse(line).trace_id)).toEqual([traceId, undefined]);
  });
});

describe("tracing to a collector", () => {
  it("posts protobuf to /v1/traces, with names but without payloads", async () => {
    const bodies: Buffer[] = [];
    const heads: unknown[] = [];
    const collector = createServer((request, response) => {
      heads.push([request.method, request.url, request.headers["content-type"]]);
      request.on("data", (chunk: Buffer) => bodies.push(chunk));
      request.on("end", () => response.end());
    });
    await once(collector.listen(0, "127.0.0.1"), "listening");
    const otlpEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`;
    const { inSpan, shutdown } = start({ otlpEndpoint });
    await inSpan(
      "call target",
      { attributes: { "bullmq.job.result": "diagnosis", target: "small" } },
      async () => undefined,
    );
    await shutdown();
    collector.close();
    collector.closeAllConnections();
    expect(heads).toEqual([["POST", "/v1/traces", "application/x-protobuf"]]);
    const sent = Buffer.concat(bodies).toString("latin1");
    expect(sent).toContain("call target");
    expect(sent).toContain("sluice-test");
    expect(sent).not.toContain("diagnosis");
  });
});

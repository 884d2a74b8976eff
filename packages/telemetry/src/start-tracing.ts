import {
  type Attributes,
  type Context,
  context,
  DiagLogLevel,
  defaultTextMapGetter,
  diag,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Logger, Tracer } from "@sluice/domain";
import { withoutPayloads } from "./without-payloads.ts";

export interface TracingOptions {
  /** `service.name` of the spans, e.g. `sluice-worker`. */
  readonly serviceName: string;
  /** Base URL of an OTLP/HTTP collector (`OTEL_EXPORTER_OTLP_ENDPOINT`); `/v1/traces` is added. */
  readonly otlpEndpoint?: string | undefined;
  /** Takes the spans instead of a collector. */
  readonly exporter?: SpanExporter;
  /** Hears when spans cannot be exported. */
  readonly logger?: Pick<Logger, "warn">;
}

export interface SpanOptions {
  /** W3C traceparent of the span's parent; by default the current span. */
  readonly parent?: string | undefined;
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** `internal` by default. */
  readonly kind?: "internal" | "server" | "client" | "producer" | "consumer";
}

export interface Tracing extends Tracer {
  inSpan<T>(name: string, options: SpanOptions, fn: (span: SpanHandle) => Promise<T>): Promise<T>;
  /** Sends what is left and takes tracing out of this process. */
  shutdown(): Promise<void>;
}

type SpanHandle = Parameters<Parameters<Tracer["inSpan"]>[2]>[0];

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/**
 * Starts tracing for this process; OpenTelemetry's API is global, so call it once, before BullMQ is given its telemetry.
 * Without endpoint and exporter no span is recorded, but a parent's traceparent still passes through to what we call.
 */
export function startTracing(options: TracingOptions): Tracing {
  const exporter = options.exporter ?? otlpExporter(options.otlpEndpoint);
  const processors = exporter ? [new BatchSpanProcessor(withoutPayloads(exporter))] : [];
  const resource = resourceFromAttributes({ "service.name": options.serviceName });
  const provider = new NodeTracerProvider({ resource, spanProcessors: processors });
  if (options.logger) reportTo(options.logger);
  provider.register();
  // Registering also sets up context and W3C propagation, which are wanted without recording, too.
  if (!exporter) trace.disable();
  return { inSpan, currentTraceparent, shutdown: () => shutdown(provider) };
}

function otlpExporter(endpoint: string | undefined): SpanExporter | undefined {
  if (!endpoint) return undefined;
  return new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` });
}

function reportTo(logger: Pick<Logger, "warn">): void {
  const warn = (text: string) => logger.warn({ detail: text }, "tracing has a problem");
  const ignore = () => undefined;
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
}

async function inSpan<T>(
  name: string,
  options: SpanOptions,
  fn: (span: SpanHandle) => Promise<T>,
): Promise<T> {
  const tracer = trace.getTracer("sluice");
  const attributes: Attributes = { ...options.attributes };
  const settings = { attributes, kind: kinds[options.kind ?? "internal"] };
  return tracer.startActiveSpan(name, settings, parentContext(options.parent), async (span) => {
    try {
      return await fn({ setAttribute: (key, value) => void span.setAttribute(key, value) });
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

function parentContext(parent: string | undefined): Context {
  if (parent === undefined) return context.active();
  return propagation.extract(ROOT_CONTEXT, { traceparent: parent }, defaultTextMapGetter);
}

function markFailed(span: Span, error: unknown): void {
  span.recordException(error instanceof Error ? error : new Error("something that is no error was thrown"));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

async function shutdown(provider: NodeTracerProvider): Promise<void> {
  await provider.shutdown();
  trace.disable();
  context.disable();
  propagation.disable();
  diag.disable();
}

import { createQueueTelemetry } from "@sluice/queue";
import { startTracing, type TracingOptions } from "@sluice/telemetry";
import { afterAll, expect, test } from "vitest";
import { createBench, until } from "../../packages/queue/src/test-setup.ts";
import { testRedisUrl } from "../kit/servers.ts";

type Exporter = NonNullable<TracingOptions["exporter"]>;
type ExportedSpan = Parameters<Exporter["export"]>[0][number];

const spans: ExportedSpan[] = [];
const exporter: Exporter = {
  export(batch, done) {
    spans.push(...batch);
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
const tracing = startTracing({ serviceName: "test", exporter });
afterAll(() => tracing.shutdown());

test("a job's trace goes on from the span that accepted it to its worker, and no span knows the outcome", async () => {
  const bench = createBench(testRedisUrl(), { telemetry: createQueueTelemetry() });
  const lanes = bench.lanes();
  const traceparents: (string | undefined)[] = [];
  bench.consume(async ({ traceparent }) => {
    traceparents.push(traceparent);
    if (traceparents.length === 1) return { kind: "done", reference: "SECRET-REFERENCE" };
    if (traceparents.length === 2) return { kind: "failed", code: "attempts_exhausted" };
    throw new Error("SECRET-MESSAGE");
  });
  const accepted = await tracing.inSpan("accept", {}, async () => {
    const traceparent = tracing.currentTraceparent();
    await lanes.add([bench.pointer(1, { traceparent })]);
    return traceparent;
  });
  await until(() => traceparents.length === 1);
  await tracing.inSpan("feed", {}, () => lanes.add([bench.pointer(2), bench.pointer(3)]));
  await until(() => traceparents.length >= 3);
  await bench.close();
  await tracing.shutdown();

  const [, traceId] = accepted?.split("-") ?? [];
  const processed = spans.filter((span) => span.name.startsWith("process"));
  expect(processed[0]?.spanContext().traceId).toBe(traceId);
  expect(processed[0]?.attributes).toMatchObject({ "bullmq.queue.name": `lane.${bench.model}` });
  // Jobs that the dispatcher feeds are no children of its feeding.
  expect(traceparents.slice(0, 3)).toEqual([accepted, undefined, undefined]);
  const exported = JSON.stringify(
    spans.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
  );
  expect(exported).toContain("lane.");
  expect(exported).not.toContain("SECRET");
});

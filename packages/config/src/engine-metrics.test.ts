import { expect, test } from "vitest";
import { accepted, edit, refused, smallest } from "./test-kit.ts";

const withEngine = (engine: string) =>
  edit(
    smallest,
    "sim: { kind: simulator, requests_per_minute: 600, concurrency: 32 }",
    `sim: { kind: openai, base_url: "http://10.0.0.7:8000/v1", engine: { ${engine} } }`,
  );

test("an engine of one's own names its metrics", () => {
  const { config } = accepted(
    withEngine(
      'kind: custom, metrics_url: "http://10.0.0.7:8000/metrics", metrics: { waiting: "queue{status=waiting,node=\\"a\\"}", gpu_memory_used: "mem" }',
    ),
  );
  expect(config.providers["sim"]).toMatchObject({
    engine: {
      kind: "custom",
      metricsUrl: "http://10.0.0.7:8000/metrics",
      metrics: { waiting: ['queue{status=waiting,node="a"}'], gpuMemoryUsed: ["mem"] },
    },
  });
});

test.each(["two words", "queue{status}", "queue{status=waiting", "9queue"])("%s is no metric", (spec) => {
  expect(refused(withEngine(`kind: custom, metrics: { waiting: "${spec}" }`))).toEqual([
    expect.stringMatching(
      /^sluice\.yaml:3:\d+ providers\.sim\.engine\.metrics\.waiting must be a metric such as name\{label=value\}/,
    ),
  ]);
});

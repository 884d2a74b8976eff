import { type EngineConfig, tenantId } from "@sluice/domain";
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createCountingIds } from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleJob } from "../../../test/kit/samples.ts";
import { cacheSignals } from "./place-job.ts";
import { previewJob, previewRoute } from "./preview-route.ts";
import type { JobRequestFields } from "./spec-job.ts";

const fields: JobRequestFields = {
  tenantId: tenantId("default"),
  endpoint: "/v1/chat/completions",
  model: "auto",
  inputTokens: 7,
  maxOutputTokens: undefined,
  capabilities: [],
};

function setup(changes: Partial<EngineConfig> = {}) {
  const clock = createFakeClock();
  const capacity = createScriptedCapacity();
  const config = sampleConfig(undefined, changes);
  const ports = {
    ...{ clock, ids: createCountingIds(), files: createMemoryFiles() },
    signals: cacheSignals({ capacity, clock }),
    random: { next: () => 0.5 },
    config: () => config,
  };
  const preview = (more: Partial<JobRequestFields> = {}, body: unknown = {}) =>
    previewRoute(ports, { ...fields, ...more }, Buffer.from(JSON.stringify(body)));
  return { preview, capacity, ports };
}

test("decides from the signals of this moment and reserves nothing", async () => {
  const { preview, capacity } = setup();
  capacity.known.set("one", { pausedUntil: Number.MAX_SAFE_INTEGER });
  const route = await preview();
  expect(route).toMatchObject({ chosen: "two", configHash: "hash", attempt: 1, failedTargets: [] });
  expect(route.candidates[0]).toMatchObject({ target: "one", dropped: { filter: "not-paused" } });
  expect(capacity.requests).toEqual([]);
});

test("asks the rules about the body", async () => {
  const rules = [{ when: "has(request.tools)", require: { tags: ["none has it"] } }];
  const { preview } = setup({
    models: { auto: { name: "auto", pools: ["main"], fallback: [], policy: "priority", rules } },
  });
  expect((await preview()).chosen).toBe("one");
  expect(await preview({}, { tools: [] })).toMatchObject({
    chosen: undefined,
    rules: [{ index: 0, matched: true }],
  });
});

test("refuses what accepting the job would refuse", async () => {
  const { preview } = setup();
  await expect(preview({ model: "nope" })).rejects.toMatchObject({ code: "unknown_model" });
  await expect(preview({ sla: "nope" })).rejects.toMatchObject({ param: "sla" });
});

test("decides about a job that has been accepted, unless its model is gone", async () => {
  const { ports } = setup();
  expect(await previewJob(ports, { ...sampleJob, attempts: 2 })).toMatchObject({
    attempt: 3,
    chosen: expect.any(String),
  });
  expect(await previewJob(ports, { ...sampleJob, model: "gone" })).toBeUndefined();
});

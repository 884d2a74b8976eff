import type { JobSpec } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleJob, sampleTarget } from "../../../test/kit/samples.ts";
import { createWindowSizes } from "./window-sizes.ts";

function setup() {
  const clock = createFakeClock();
  const capacity = createScriptedCapacity();
  const one = sampleTarget("one", { limits: { tokensPerMinute: 600_000 }, region: "eu" });
  const two = sampleTarget("two", { limits: { concurrency: 8 }, region: "us" });
  const now = { config: sampleConfig([one, two]) };
  const logger = createRecordingLogger();
  const sizes = createWindowSizes({
    capacity,
    files: createMemoryFiles(),
    clock,
    logger,
    config: () => now.config,
  });
  const places = (candidateSet: string, use = { jobs: 0, tokens: 0 }) =>
    sizes.sizeOf(candidateSet, use).places;
  const sample = (candidateSet: string, changes: Partial<JobSpec> = {}) => ({
    ...sampleJob,
    candidateSet,
    ...changes,
  });
  return { clock, capacity, now, logger, sizes, places, sample };
}

describe("the size of a window", () => {
  test("comes from the targets that a job of its set could go to", async () => {
    const { sizes, places, sample } = setup();
    await sizes.learn(sample("two", { routing: { region: "us" } }));
    await sizes.learn(sample("none", { routing: { region: "mars" } }));
    await sizes.learn(sample("gone", { model: "gone" }));
    expect(["two", "none", "gone"].map((set) => places(set))).toEqual([64, 16, 16]);
  });

  test("comes from what the set's jobs are charged, where limits are tokens", async () => {
    const { sizes, places, sample } = setup();
    await sizes.learn(sample("one", { routing: { region: "eu" } }));
    expect(places("one", { jobs: 10, tokens: 5_000 })).toBe(160);
    expect(places("one", { jobs: 10, tokens: 10_000 })).toBe(80);
  });

  test("follows the signals, read at most once a second and only while somebody asks", async () => {
    const { sizes, places, sample, capacity, clock } = setup();
    capacity.known.set("two", { latencyMs: 100 });
    await sizes.learn(sample("two", { routing: { region: "us" } }));
    expect(places("two")).toBe(64);
    await settled();
    expect(places("two")).toBe(640);
    capacity.known.set("two", { latencyMs: 200 });
    await clock.advance(999);
    places("two");
    await settled();
    expect(places("two")).toBe(640);
    await clock.advance(1);
    places("two");
    await settled();
    expect(places("two")).toBe(320);
  });

  test("stays as it was while Redis is away", async () => {
    const { sizes, places, sample, capacity, clock, logger } = setup();
    capacity.known.set("two", { latencyMs: 100 });
    await sizes.learn(sample("two", { routing: { region: "us" } }));
    places("two");
    await clock.advance(1_000);
    capacity.faults.arm("signals");
    places("two");
    await settled();
    expect(places("two")).toBe(640);
    expect(logger.entries).toMatchObject([{ level: "debug" }]);
  });

  test("is found without the body of its sample when that cannot be read", async () => {
    const { sizes, places, sample, now, logger } = setup();
    const rules = [{ when: "has(request.tools)", pools: ["none"] }];
    const auto = { name: "auto", pools: ["main"], rules, fallback: [], policy: "balanced" };
    now.config = { ...now.config, hash: "rules", models: { auto } };
    const body = { kind: "stored", key: "lost", size: 70_000 } as const;
    await sizes.learn(sample("two", { routing: { region: "us" }, body }));
    expect(places("two")).toBe(64);
    expect(logger.entries).toMatchObject([{ level: "warn", fields: { jobId: sampleJob.id } }]);
  });

  test("is found again when the configuration has changed", async () => {
    const { sizes, places, sample, now } = setup();
    const job = sample("two", { routing: { region: "us" } });
    expect(sizes.knows("two")).toBe(false);
    await sizes.learn(job);
    expect(sizes.knows("two")).toBe(true);
    now.config = { ...sampleConfig([sampleTarget("two", { region: "eu" })]), hash: "new" };
    expect(sizes.knows("two")).toBe(false);
    await sizes.learn(job);
    expect(places("two")).toBe(16);
  });
});

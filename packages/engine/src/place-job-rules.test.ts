import type { JobToRun, RoutingRule } from "@sluice/domain";
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createMemoryPurse } from "../../../test/kit/fakes/memory-purse.ts";
import { createRecordingMetrics } from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleJob, sampleTarget } from "../../../test/kit/samples.ts";
import { cacheSignals, placeJob } from "./place-job.ts";
import { targetsOf } from "./spec-job.ts";
import { createTurns } from "./turns.ts";

const tools = { when: "has(request.tools)", pools: ["large"] };

function setup(rules: readonly RoutingRule[], policy = "priority") {
  const clock = createFakeClock();
  const capacity = createScriptedCapacity();
  const small = [sampleTarget("one"), sampleTarget("two")];
  const large = [sampleTarget("big", { pool: "large" })];
  const alias = { name: "auto", pools: ["main"], fallback: [], policy, rules };
  const config = sampleConfig(small, {
    pools: { main: { name: "main", targets: small }, large: { name: "large", targets: large } },
    models: { auto: alias },
  });
  const ports = {
    ...{
      capacity,
      clock,
      files: createMemoryFiles(),
      purse: createMemoryPurse(),
      metrics: createRecordingMetrics(),
      turns: createTurns(),
    },
    signals: cacheSignals({ capacity, clock }),
    random: { next: () => 0.5 },
    config: () => config,
  };
  const place = async (body: JobToRun["body"] = inline({})) => {
    const job: JobToRun = { ...sampleJob, body, failedTargets: [], ownerAlive: false };
    const placement = await placeJob(ports, job, "wrk_1");
    return placement.kind === "placed" ? placement : undefined;
  };
  return { ...ports, place, alias, all: config };
}

const inline = (body: unknown) => ({ kind: "inline" as const, bytes: Buffer.from(JSON.stringify(body)) });

test("places a job where the rule that reads its body says", async () => {
  const { place } = setup([tools]);
  expect((await place(inline({ tools: [] })))?.target.id).toBe("big");
  expect((await place())?.target.id).toBe("one");
});

test("reads a body from the file store only when a rule asks for it", async () => {
  const stored = { kind: "stored" as const, key: "gone", size: 70_000 };
  await expect(setup([tools]).place(stored)).rejects.toThrow("there is no such file");
  expect((await setup([{ when: "job.priority == 3", pools: ["large"] }]).place(stored))?.target.id).toBe(
    "big",
  );
});

test("counts the rules that cannot be evaluated", async () => {
  const { place, metrics } = setup([{ when: "request.missing == 1", pools: ["large"] }]);
  const placed = await place();
  expect(placed?.target.id).toBe("one");
  expect(placed?.route.rules).toEqual([{ index: 0, matched: false, error: "no such key at character 9" }]);
  expect(metrics.totals.get("sluice_rule_errors_total{model=auto}")).toBe(1);
});

test("asks for the signals of the pools of rules too", () => {
  const { all, alias } = setup([tools]);
  expect(targetsOf(all, alias).map(({ id }) => id)).toEqual(["one", "two", "big"]);
});

test("goes round from one decision to the next", async () => {
  const { place } = setup([], "round-robin");
  const targets = [];
  for (let i = 0; i < 4; i += 1) targets.push((await place())?.target.id);
  expect(targets).toEqual(["one", "two", "one", "two"]);
});

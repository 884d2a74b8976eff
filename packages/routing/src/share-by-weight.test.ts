import type { ModelAlias, Target, TargetSignals } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { seeded } from "../../../test/kit/seeded.ts";
import { decideRoute } from "./index.ts";
import { makeConfig, makeInput, makeRequest, makeSignals, makeTarget } from "./testing/make-input.ts";

const decisions = 10_000;
/** Four standard deviations of a count with an expected share of 10 %. */
const samplingError = 4 * Math.sqrt(decisions * 0.1 * 0.9);

const dear = { price: { input: 9, cachedInput: 9, output: 9 } };
const versions = [makeTarget("v1"), makeTarget("v2", dear)];

function setup(
  policy: string,
  given: Readonly<Record<string, number>>,
  {
    targets = versions,
    changes = {},
    alias = {},
  }: {
    targets?: readonly Target[];
    changes?: Readonly<Record<string, Partial<TargetSignals>>>;
    alias?: Partial<ModelAlias>;
  } = {},
) {
  const models = { auto: { name: "auto", pools: ["main"], fallback: [], policy, ...alias } };
  const config = makeConfig(targets, { models });
  const signals = Object.fromEntries(
    targets.map(({ id }) => [
      id,
      makeSignals({ ...(given[id] === undefined ? {} : { weight: given[id] }), ...changes[id] }),
    ]),
  );
  const draw = seeded(20_261_128);
  const decide = (job: string, metadata: Record<string, string> = {}) =>
    decideRoute(
      makeInput([], {
        ...{ config, signals, random: draw() },
        request: makeRequest({ jobId: job, metadata }),
      }),
    );
  /** How often each target is chosen. */
  const count = () => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < decisions; i += 1) {
      const { chosen = "" } = decide(`job_0198f3a0-${i}`);
      counts[chosen] = (counts[chosen] ?? 0) + 1;
    }
    return counts;
  };
  return { decide, count };
}

describe("weights that an operator has given", () => {
  test.each(["weighted", "balanced", "cheapest", "round-robin", "priority", "sticky"])(
    "send a tenth of the jobs to a new version under the policy %s",
    (policy) => {
      const { count, decide } = setup(policy, { v1: 90, v2: 10 });
      const { v1 = 0, v2 = 0 } = count();
      expect(Math.abs(v2 - decisions / 10)).toBeLessThan(samplingError);
      expect(v1 + v2).toBe(decisions);
      for (let i = 0; i < 50; i += 1) {
        const { chosen, propensity, candidates } = decide(`job_${i}`);
        expect(propensity).toBeCloseTo(chosen === "v1" ? 0.9 : 0.1);
        expect(candidates.map(({ share }) => share)).toEqual([0.9, 0.1]);
      }
    },
  );

  test("are counted beside the configured ones of the other targets", () => {
    const targets = [...versions, makeTarget("v3", { weight: 2 })];
    const { count } = setup("cheapest", { v2: 1 }, { targets });
    const { v2 = 0, v3 = 0 } = count();
    expect(Math.abs(v2 - decisions / 4)).toBeLessThan(1.5 * samplingError);
    expect(Math.abs(v3 - decisions / 2)).toBeLessThan(2 * samplingError);
  });

  test("leave the other targets as replacements of the one that was drawn", () => {
    const { decide } = setup("cheapest", { v1: 1, v2: 1 });
    const orders = new Set(Array.from({ length: 20 }, (_, i) => decide(`job_${i}`).order.join()));
    expect(orders).toEqual(new Set(["v1,v2", "v2,v1"]));
  });

  test("move only the jobs that they have to, and give a job the same target again", () => {
    const before = setup("balanced", { v1: 90, v2: 10 });
    const after = setup("balanced", { v1: 70, v2: 30 });
    for (let i = 0; i < 500; i += 1) {
      const { chosen } = before.decide(`job_${i}`);
      expect(before.decide(`job_${i}`).chosen).toBe(chosen);
      if (chosen === "v2") expect(after.decide(`job_${i}`).chosen).toBe("v2");
    }
  });

  test("keep a session on one version under a policy that keeps sessions", () => {
    const { decide } = setup("sticky", { v1: 1, v2: 1 });
    const versionOf = (session: string) =>
      new Set(Array.from({ length: 20 }, (_, i) => decide(`job_${i}`, { session }).chosen));
    const versionsOf = Array.from({ length: 40 }, (_, i) => versionOf(`s${i}`));
    for (const seen of versionsOf) expect(seen.size).toBe(1);
    expect(new Set(versionsOf.flatMap((seen) => [...seen])).size).toBe(2);
  });

  test("say nothing of how pools share the jobs of a model between them", () => {
    const other = makeTarget("other", { pool: "second" });
    const many = (policy: string) =>
      setup(
        policy,
        { v1: 1, v2: 1 / 9 },
        { targets: [...versions, other], alias: { pools: ["main", "second"] } },
      );
    const { v1 = 0, v2 = 0, other: third = 0 } = many("cheapest").count();
    // v1 and other are the cheapest: half of the jobs are main's, and a tenth of those v2's, which is dear.
    expect(Math.abs(third - decisions / 2)).toBeLessThan(2 * samplingError);
    expect(Math.abs(v2 - decisions / 20)).toBeLessThan(samplingError);
    expect(Math.abs(v1 - (decisions * 9) / 20)).toBeLessThan(2 * samplingError);
    const byWeight = many("weighted").count();
    expect(Math.abs((byWeight["other"] ?? 0) - (decisions * 9) / 19)).toBeLessThan(2 * samplingError);
    expect(Math.abs((byWeight["v2"] ?? 0) - decisions / 19)).toBeLessThan(samplingError);
    expect(many("priority").decide("job").order.at(-1)).toBe("other");
  });
});

test("configured weights of 90 and 10 send a tenth of the jobs to the second under the policy weighted", () => {
  const [v1 = makeTarget("v1"), v2 = makeTarget("v2")] = versions;
  const targets = [
    { ...v1, weight: 90 },
    { ...v2, weight: 10 },
  ];
  const counts = setup("weighted", {}, { targets }).count();
  expect(Math.abs((counts["v2"] ?? 0) - decisions / 10)).toBeLessThan(samplingError);
});

describe("the weight 0", () => {
  test("gives a target nothing while another can serve, fallbacks included", () => {
    const spare = makeTarget("spare", { pool: "spare" });
    const paused = { v2: { pausedUntil: 5_000 } };
    const given = { v1: 0, v2: 100 };
    expect(setup("cheapest", given).count()).toEqual({ v2: decisions });
    const alias = { fallback: ["spare"] };
    expect(
      setup("cheapest", given, { targets: [...versions, spare], changes: paused, alias }).count(),
    ).toEqual({ spare: decisions });
    expect(setup("cheapest", given, { changes: paused }).count()).toEqual({ v1: decisions });
  });

  test("of all targets of a pool leaves the choice to the policy", () => {
    const { decide } = setup("cheapest", { v1: 0, v2: 0 });
    expect(decide("job")).toMatchObject({ order: ["v1", "v2"], propensity: 1 });
  });
});

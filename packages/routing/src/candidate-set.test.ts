import { describe, expect, it } from "vitest";
import { candidateSetId, candidateTargets } from "./candidate-set.ts";
import { makeConfig, makeRequest, makeTarget } from "./testing/make-input.ts";

const plain = makeTarget("plain");
const european = makeTarget("european", { region: "eu" });
const spare = makeTarget("spare", { pool: "spare", contextWindow: 100_000 });
const config = makeConfig([plain, european, spare]);

function idsOf(changes: Parameters<typeof makeRequest>[0] = {}, used = config): string[] {
  return candidateTargets(makeRequest(changes), used, 0).map(({ id }) => id);
}

describe("candidateTargets", () => {
  it("are the targets of the model's pools that can serve the request, fallbacks aside", () => {
    expect(idsOf()).toEqual(["plain", "european"]);
    expect(idsOf({ wishes: { region: "eu" } })).toEqual(["european"]);
  });

  it("are those of the first fallback that can, when none of the model's pools can ever", () => {
    expect(idsOf({ inputTokens: 50_000 })).toEqual(["spare"]);
  });

  it("are none when nothing can, or when the model is not configured", () => {
    expect(idsOf({ endpoint: "/v1/embeddings" })).toEqual([]);
    expect(idsOf({ model: "other" })).toEqual([]);
  });

  it("follow the rule that matches, and take in every pool when a rule reads signals", () => {
    const alias = { name: "auto", pools: ["main"], fallback: [], policy: "balanced" };
    const withRule = (when: string) => ({
      ...config,
      models: { auto: { ...alias, rules: [{ when, pools: ["spare"] }] } },
    });
    expect(idsOf({ priority: 9 }, withRule("job.priority > 5"))).toEqual(["spare"]);
    expect(idsOf({ priority: 0 }, withRule("job.priority > 5"))).toEqual(["plain", "european"]);
    expect(idsOf({}, withRule("signals['plain'].in_flight > 5"))).toEqual(["plain", "european", "spare"]);
  });
});

describe("candidateSetId", () => {
  it("is the same for the same targets in any order, another for others, and empty for none", () => {
    expect(candidateSetId([plain, spare])).toBe(candidateSetId([spare, plain, plain]));
    expect(candidateSetId([plain, spare])).not.toBe(candidateSetId([plain]));
    expect(candidateSetId([])).toBe("");
    expect(candidateSetId([plain], ["key:a"])).not.toBe(candidateSetId([plain]));
    expect(candidateSetId([plain], ["key:a"])).not.toBe(candidateSetId([plain, { id: "key:a" }]));
  });
});

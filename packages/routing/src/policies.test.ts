import { builtInPolicies, type Target, type TargetSignals } from "@sluice/domain";
import { expect, test } from "vitest";
import { decideRoute, pickers, scorers } from "./index.ts";
import { makeConfig, makeInput, makeRequest, makeSignals, makeTarget } from "./testing/make-input.ts";

const price = (all: number) => ({ price: { input: all, cachedInput: all, output: all } });
const targets: readonly Target[] = [
  makeTarget("first", { ...price(4), weight: 1 }),
  makeTarget("cheap", { ...price(1), weight: 1 }),
  makeTarget("fast", { ...price(5), weight: 1 }),
  makeTarget("idle", { ...price(6), weight: 7 }),
];
const busy = { inFlight: 70, tokensUsed: 0.5, latencyMs: 900 };
const signals: Record<string, TargetSignals> = {
  first: makeSignals(busy),
  cheap: makeSignals(busy),
  fast: makeSignals({ ...busy, latencyMs: 100 }),
  idle: makeSignals({ latencyMs: 900 }),
};

/** First choices of 800 jobs, as shares. */
function firstChoices(policy: string, metadata: Record<string, string> = {}): Record<string, number> {
  const base = makeConfig(targets);
  const models = { auto: { name: "auto", pools: ["main"], fallback: [], policy } };
  const config = { ...base, models };
  const counts: Record<string, number> = {};
  for (let i = 0; i < 800; i += 1) {
    const request = makeRequest({ jobId: `job_${i}`, metadata });
    const { chosen = "" } = decideRoute(
      makeInput([], { config, request, signals, random: i / 800, turn: i }),
    );
    counts[chosen] = (counts[chosen] ?? 0) + 1 / 800;
  }
  return counts;
}

test.each([
  ["cheapest", "cheap"],
  ["fastest", "fast"],
  ["least-loaded", "idle"],
  ["balanced", "idle"],
  ["priority", "first"],
])("%s sends every job to %s", (policy, target) => {
  expect(Object.keys(firstChoices(policy))).toEqual([target]);
});

test("weighted shares by weight", () => {
  const { first = 0, cheap = 0, fast = 0, idle = 0 } = firstChoices("weighted");
  for (const share of [first, cheap, fast]) expect(share).toBeCloseTo(0.1, 2);
  expect(idle).toBeCloseTo(0.7, 2);
});

test("round-robin gives every target the same number of jobs", () => {
  const shares = Object.values(firstChoices("round-robin"));
  expect(shares).toHaveLength(4);
  for (const share of shares) expect(share).toBeCloseTo(0.25, 10);
});

test("sticky keeps a session on one target, and a user whose jobs name no session", () => {
  for (const metadata of [{ session: "s1" }, { user: "u1" }]) {
    expect(Object.values(firstChoices("sticky", metadata))).toHaveLength(1);
  }
  expect(Object.keys(firstChoices("sticky")).length).toBeGreaterThan(1);
});

test("a policy of the configuration stands in for the built-in one of its name", () => {
  const policies = { cheapest: { name: "cheapest", scorers: { latency: 1 }, picker: "best" } };
  const config = makeConfig(targets, {
    policies,
    models: { auto: { name: "auto", pools: ["main"], fallback: [], policy: "cheapest" } },
  });
  expect(decideRoute(makeInput([], { config, signals })).chosen).toBe("fast");
});

test("every built-in policy names scorers and a picker that exist", () => {
  for (const { scorers: weights, picker } of Object.values(builtInPolicies)) {
    for (const name of Object.keys(weights)) expect(scorers.has(name)).toBe(true);
    expect(pickers.has(picker)).toBe(true);
  }
});

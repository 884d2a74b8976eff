import type { RouteRequest, RoutingRule, Target } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { rulesReadRequest } from "./apply-rules.ts";
import { decideRoute, reachablePools } from "./index.ts";
import { makeConfig, makeInput, makeRequest, makeSignals, makeTarget } from "./testing/make-input.ts";

const targets: readonly Target[] = [
  makeTarget("small"),
  makeTarget("eu", { region: "eu" }),
  makeTarget("large", { pool: "large" }),
  makeTarget("spare", { pool: "spare", region: "eu" }),
];

function decide(rules: readonly RoutingRule[], changes: Partial<RouteRequest> = {}, inFlight = 0) {
  const alias = { name: "auto", pools: ["main"], fallback: ["spare"], policy: "priority", rules };
  const config = makeConfig(targets, {
    models: { auto: alias },
    tenants: { acme: { weight: 1, limits: {}, maxPriority: 9, tags: ["eu"] } },
  });
  const signals = { small: makeSignals({ inFlight }), large: makeSignals({ inFlight }) };
  return decideRoute(makeInput([], { config, request: makeRequest(changes), signals }));
}

const tools = { when: "has(request.tools) && request.tools.size() > 0", pools: ["large"] };
const euOnly = { when: "tenant.tags.exists(t, t == 'eu')", require: { region: "eu" } };

describe("rules", () => {
  test("put their pools in place of the model's when they match", () => {
    const route = decide([tools], { body: { tools: [{}] } });
    expect(route.chosen).toBe("large");
    expect(route.candidates.map(({ target }) => target)).toEqual(["large"]);
    expect(route.rules).toEqual([{ index: 0, matched: true }]);
  });

  test("leave the model's pools when none matches", () => {
    const route = decide([tools, euOnly], { body: {} });
    expect(route.chosen).toBe("small");
    expect(route.rules).toEqual([
      { index: 0, matched: false },
      { index: 1, matched: false },
    ]);
  });

  test("drop the targets that lack what they require, fallbacks included, and say so", () => {
    const route = decide([euOnly], { tenant: "acme" });
    expect(route.chosen).toBe("eu");
    expect(route.candidates[0]?.dropped).toEqual({
      filter: "meets-rule",
      reason: "is in no stated region, the rule requires eu",
    });
    expect(decide([{ ...euOnly, pools: ["large"] }], { tenant: "acme" }).order).toEqual(["spare"]);
  });

  test("stop at the first that matches", () => {
    const route = decide([euOnly, { when: "true", pools: ["large"] }], { tenant: "acme" });
    expect(route.rules).toEqual([{ index: 0, matched: true }]);
  });

  test("do not match when they cannot be evaluated; the decision shows it and the next one is asked", () => {
    const route = decide([{ when: "request.missing == 1", pools: ["large"] }, tools], {
      body: { tools: [1] },
    });
    expect(route.rules).toEqual([
      { index: 0, matched: false, error: "no such key at character 9" },
      { index: 1, matched: true },
    ]);
    expect(route.chosen).toBe("large");
  });

  test("read the signals of every pool of the model, and the decision keeps what they read", () => {
    const rule = { when: "signals.small.in_flight > 10.0", pools: ["large"] };
    expect(decide([rule], {}, 5).chosen).toBe("small");
    const route = decide([rule], {}, 11);
    expect(route.chosen).toBe("large");
    expect(route.signals["small"]?.inFlight).toBe(11);
  });

  test("read what the job is about", () => {
    const rule = {
      when: "job.sla == 'batch' && job.attempt > 1 && job.metadata.team == 'a' && job.slack_s > 50.0",
      pools: ["large"],
    };
    const request = { sla: "batch", attempt: 2, metadata: { team: "a" }, deadlineAt: 60_000 };
    expect(decide([rule], request).chosen).toBe("large");
    expect(decide([rule], { ...request, attempt: 1 }).chosen).toBe("small");
  });
});

test("says whether a model's rules read the body, and which pools they reach", () => {
  const alias = { name: "auto", pools: ["a"], fallback: ["b", "a"], policy: "priority" };
  expect(rulesReadRequest({ ...alias, rules: [euOnly] })).toBe(false);
  expect(rulesReadRequest({ ...alias, rules: [euOnly, tools] })).toBe(true);
  expect(reachablePools({ ...alias, rules: [tools, { when: "true", pools: ["b", "c"] }] })).toEqual([
    "a",
    "large",
    "b",
    "c",
  ]);
});

import type { RouteRequest, RuleRequirement, Target, TargetSignals } from "@sluice/domain";
import { expect, test } from "vitest";
import { makeRequest, makeSignals, makeTarget } from "../testing/make-input.ts";
import { hardFilters, softFilters } from "./index.ts";

interface Case {
  readonly filter: string;
  readonly because: string;
  readonly target?: Partial<Target>;
  readonly request?: Partial<RouteRequest>;
  readonly signals?: Partial<TargetSignals>;
  readonly require?: RuleRequirement;
  readonly drops: boolean;
}

const tools = { capabilities: ["tools"] };
const pool = { wishes: { pools: ["other"] } };

const cases: readonly Case[] = [
  { filter: "serves-endpoint", because: "it is listed", drops: false },
  { filter: "serves-endpoint", because: "it is not", request: { endpoint: "/v1/embeddings" }, drops: true },
  { filter: "has-capability", because: "nothing is needed", target: tools, drops: false },
  { filter: "has-capability", because: "it is stated", target: tools, request: tools, drops: false },
  { filter: "has-capability", because: "nothing is stated", request: tools, drops: false },
  {
    filter: "has-capability",
    because: "others are",
    target: { capabilities: ["vision"] },
    request: tools,
    drops: true,
  },
  { filter: "fits-context", because: "it just fits", target: { contextWindow: 200 }, drops: false },
  { filter: "fits-context", because: "one is missing", target: { contextWindow: 199 }, drops: true },
  {
    filter: "fits-context",
    because: "no output is stated",
    target: { contextWindow: 100 },
    request: { maxOutputTokens: undefined },
    drops: false,
  },
  { filter: "in-region", because: "none is asked for", target: { region: "us" }, drops: false },
  {
    filter: "in-region",
    because: "same",
    target: { region: "eu" },
    request: { wishes: { region: "eu" } },
    drops: false,
  },
  {
    filter: "in-region",
    because: "other",
    target: { region: "us" },
    request: { wishes: { region: "eu" } },
    drops: true,
  },
  { filter: "in-region", because: "none stated", request: { wishes: { region: "eu" } }, drops: true },
  { filter: "meets-rule", because: "no rule requires anything", drops: false },
  {
    filter: "meets-rule",
    because: "it has all of it",
    target: { ...tools, region: "eu", tags: ["hipaa", "x"], data: { retention: "none", training: "deny" } },
    require: { ...tools, region: "eu", tags: ["hipaa"], data: { retention: "30d", training: "deny" } },
    drops: false,
  },
  { filter: "meets-rule", because: "no region is stated", require: { region: "eu" }, drops: true },
  { filter: "meets-rule", because: "a tag is missing", require: { tags: ["hipaa"] }, drops: true },
  { filter: "meets-rule", because: "no capability is stated", require: tools, drops: true },
  {
    filter: "meets-rule",
    because: "it keeps data",
    target: { data: { retention: "30d" } },
    require: { data: { retention: "none" } },
    drops: true,
  },
  {
    filter: "meets-rule",
    because: "training is not ruled out",
    require: { data: { training: "deny" } },
    drops: true,
  },
  { filter: "within-price", because: "both are below", request: { wishes: { maxPrice: 2 } }, drops: false },
  { filter: "within-price", because: "output is above", request: { wishes: { maxPrice: 1.5 } }, drops: true },
  { filter: "asked-for", because: "all may", drops: false },
  { filter: "asked-for", because: "another pool is", request: pool, drops: true },
  { filter: "asked-for", because: "its pool is", target: { pool: "other" }, request: pool, drops: false },
  { filter: "asked-for", because: "another target is", request: { wishes: { targets: ["b"] } }, drops: true },
  { filter: "asked-for", because: "it is", request: { wishes: { targets: ["a"] } }, drops: false },
  { filter: "asked-for", because: "it is excluded", request: { wishes: { exclude: ["a"] } }, drops: true },
  { filter: "not-paused", because: "the pause is over", signals: { pausedUntil: 1_000 }, drops: false },
  { filter: "not-paused", because: "it lasts", signals: { pausedUntil: 1_001 }, drops: true },
  { filter: "in-service", because: "nobody took it out", drops: false },
  { filter: "in-service", because: "it drains", signals: { operated: "draining" }, drops: true },
  { filter: "healthy", because: "nothing is checked", drops: false },
  {
    filter: "healthy",
    because: "it passes its checks, though the last one failed",
    signals: { health: { ok: true, checkedAt: 9, passedAt: 8, failures: 1, passes: 0 } },
    drops: false,
  },
  {
    filter: "healthy",
    because: "no check has passed yet",
    signals: { health: { ok: false, checkedAt: 0, passedAt: 0, failures: 0, passes: 0 } },
    drops: true,
  },
  { filter: "breaker-closed", because: "nothing is known", drops: false },
  { filter: "breaker-closed", because: "it is half-open", signals: { breaker: "half-open" }, drops: false },
  {
    filter: "breaker-closed",
    because: "it is open",
    signals: { breaker: "open", reopensAt: 6_000 },
    drops: true,
  },
  { filter: "not-failed-before", because: "another failed", request: { failedTargets: ["b"] }, drops: false },
  { filter: "not-failed-before", because: "it failed", request: { failedTargets: ["a"] }, drops: true },
  { filter: "states-capability", because: "it states nothing", request: tools, drops: true },
  { filter: "states-capability", because: "nothing is needed", drops: false },
  { filter: "has-weight", because: "it has the configured one", target: { weight: 1 }, drops: false },
  { filter: "has-weight", because: "an operator took it away", signals: { weight: 0 }, drops: true },
];

const filters = [...hardFilters, ...softFilters];

test.each(cases)(
  "$filter drops: $drops, because $because",
  ({ filter, target, request, signals, require, drops }) => {
    const candidate = { target: makeTarget("a", target), signals: makeSignals(signals) };
    const found = filters.find(({ name }) => name === filter);
    const reason = found?.reject(candidate, { request: makeRequest(request), now: 1_000, require });
    expect(reason !== undefined).toBe(drops);
  },
);

test.each([
  [{ failures: 0, passes: 0, passedAt: 0 }, "its provider has not passed a health check yet"],
  [{ failures: 2, passes: 0, passedAt: 0 }, "its provider has not passed a health check yet, 2 have failed"],
  [{ failures: 3, passes: 0, passedAt: 400 }, "its provider has failed its last 3 health checks"],
  [{ failures: 0, passes: 1, passedAt: 900 }, "its provider has passed only 1 health check since it failed"],
])("healthy says of %j: %s", (counts, reason) => {
  const signals = makeSignals({ health: { ok: false, checkedAt: 900, ...counts } });
  const context = { request: makeRequest(), now: 1_000 };
  const filter = hardFilters.find(({ name }) => name === "healthy");
  expect(filter?.reject({ target: makeTarget("a"), signals }, context)).toBe(reason);
});

test("every filter has a case that it drops and one that it keeps", () => {
  for (const { name } of filters) {
    const outcomes = cases.filter(({ filter }) => filter === name).map(({ drops }) => drops);
    expect(new Set(outcomes)).toEqual(new Set([true, false]));
  }
});

import { array, assert, boolean, constantFrom, double, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { decideRoute, reopensAt } from "./index.ts";
import { makeConfig, makeInput, makeRequest, makeSignals, makeTarget } from "./testing/make-input.ts";

const droppedBy = (route: ReturnType<typeof decideRoute>) =>
  Object.fromEntries(route.candidates.map(({ target, dropped }) => [target, dropped?.filter]));

describe("decideRoute", () => {
  test("chooses the cheaper of two idle targets and explains both", () => {
    const dear = makeTarget("dear", { price: { input: 4, cachedInput: 4, output: 8 } });
    const route = decideRoute(makeInput([dear, makeTarget("cheap")]));
    expect(route.order).toEqual(["cheap", "dear"]);
    expect(route.candidates).toMatchObject([
      {
        target: "dear",
        scores: { cost: 0.25, headroom: 1, latency: 1, backlog: 1, "engine-load": 1 },
        total: 6.5,
      },
      { target: "cheap", scores: { cost: 1 }, total: 8 },
    ]);
    expect(route).toMatchObject({
      chosen: "cheap",
      policy: "balanced",
      picker: "best",
      propensity: 1,
      decidedAt: 1_000,
    });
  });

  test("says of each dropped candidate which filter dropped it and why", () => {
    const targets = [
      makeTarget("other", { endpoints: [] }),
      makeTarget("small", { contextWindow: 10 }),
      makeTarget("a"),
    ];
    const route = decideRoute(makeInput(targets));
    expect(route.candidates.slice(0, 2)).toEqual([
      {
        target: "other",
        pool: "main",
        dropped: { filter: "serves-endpoint", reason: "does not serve /v1/chat/completions" },
      },
      {
        target: "small",
        pool: "main",
        dropped: { filter: "fits-context", reason: "needs 200 tokens of context, has 10" },
      },
    ]);
    expect(route.order).toEqual(["a"]);
  });

  test("leaves a saturated or unread engine alone while another target of the same pools has room", () => {
    const targets = ["full", "stale", "free"].map((id) => makeTarget(id));
    const load = (changes: object) => makeSignals({ engine: { scrapedAt: 1_000, ...changes } });
    const full = load({ waiting: 32, kvCacheUsage: 0.95 });
    const stale = load({ waiting: 0, kvCacheUsage: 0, scrapedAt: -4_001 });
    const free = load({ waiting: 4, kvCacheUsage: 0.8 });
    const route = decideRoute(makeInput(targets, { signals: { full, stale, free } }));
    expect(droppedBy(route)).toEqual({
      full: "engine-has-room",
      stale: "engine-has-room",
      free: undefined,
    });
    expect(route.order).toEqual(["free"]);
    const none = decideRoute(makeInput(targets, { signals: { full, stale, free: full } }));
    expect(none.order.toSorted()).toEqual(["free", "full", "stale"]);
    const spare = [makeTarget("full"), makeTarget("spare", { pool: "spare" })];
    expect(decideRoute(makeInput(spare, { signals: { full } })).order).toEqual(["full"]);
  });

  test("looks at a fallback pool only when nothing of the pools before it survives", () => {
    const targets = [makeTarget("a"), makeTarget("b", { pool: "spare" }), makeTarget("c", { pool: "last" })];
    expect(droppedBy(decideRoute(makeInput(targets)))).toEqual({ a: undefined });
    const paused = { a: makeSignals({ pausedUntil: 5_000 }) };
    const route = decideRoute(makeInput(targets, { signals: paused }));
    expect(droppedBy(route)).toEqual({ a: "not-paused", b: undefined });
    expect(route.order).toEqual(["b"]);
  });

  test("goes to a fallback rather than back to a target that failed the job", () => {
    const targets = [makeTarget("a"), makeTarget("b", { pool: "spare" })];
    const request = makeRequest({ failedTargets: ["a"] });
    expect(decideRoute(makeInput(targets, { request })).order).toEqual(["b"]);
  });

  test("goes back to a target that failed the job when no other remains", () => {
    const request = makeRequest({ failedTargets: ["b", "a"] });
    const targets = [makeTarget("a"), makeTarget("b", { pool: "spare" })];
    expect(decideRoute(makeInput(targets, { request })).order).toEqual(["a"]);
  });

  test("prefers targets that state a capability over those that state none", () => {
    const request = makeRequest({ capabilities: ["tools"] });
    const silent = makeTarget("silent");
    const able = makeTarget("able", {
      capabilities: ["tools"],
      price: { input: 9, cachedInput: 9, output: 9 },
    });
    expect(decideRoute(makeInput([silent, able], { request })).order).toEqual(["able"]);
    expect(decideRoute(makeInput([silent], { request })).order).toEqual(["silent"]);
  });

  test("chooses nothing and says when the first pause ends", () => {
    const signals = { a: makeSignals({ pausedUntil: 9_000 }), b: makeSignals({ pausedUntil: 4_000 }) };
    const route = decideRoute(makeInput([makeTarget("a"), makeTarget("b")], { signals }));
    expect(route).toMatchObject({ chosen: undefined, order: [], propensity: 0 });
    expect(reopensAt(route)).toBe(4_000);
  });

  test("waits for the first breaker to reopen or pause to end when all targets are failing or paused", () => {
    const signals = {
      a: makeSignals({ pausedUntil: 9_000 }),
      b: makeSignals({ breaker: "open", reopensAt: 6_000 }),
      c: makeSignals({ breaker: "open", reopensAt: 7_000 }),
    };
    const route = decideRoute(makeInput([makeTarget("a"), makeTarget("b"), makeTarget("c")], { signals }));
    expect(droppedBy(route)).toEqual({ a: "not-paused", b: "breaker-closed", c: "breaker-closed" });
    expect(reopensAt(route)).toBe(6_000);
  });

  test("looks again in 5 s when an operator has taken out all targets", () => {
    const signals = { a: makeSignals({ operated: "paused" }) };
    expect(reopensAt(decideRoute(makeInput([makeTarget("a")], { signals })))).toBe(6_000);
  });

  test("looks again soon when no provider has passed its first health check", () => {
    const health = { ok: false, checkedAt: 0, passedAt: 0, failures: 0, passes: 0 };
    const reopens = (changes: object) =>
      reopensAt(
        decideRoute(
          makeInput([makeTarget("a")], {
            signals: { a: makeSignals({ health: { ...health, ...changes } }) },
          }),
        ),
      );
    expect(reopens({})).toBe(2_000);
    expect(reopens({ checkedAt: 900, failures: 1 })).toBe(6_000);
  });

  test("tells the version of each candidate that has one", () => {
    const targets = [
      makeTarget("a", { version: "2026-11" }),
      makeTarget("b", { version: "x", endpoints: [] }),
    ];
    const { candidates } = decideRoute(makeInput([...targets, makeTarget("c")]));
    expect(candidates.map(({ version }) => version)).toEqual(["2026-11", "x", undefined]);
  });

  test("says that no waiting helps when no target can ever serve the request", () => {
    const request = makeRequest({ wishes: { region: "eu" } });
    const signals = { a: makeSignals({ pausedUntil: 9_000 }) };
    expect(reopensAt(decideRoute(makeInput([makeTarget("a")], { request, signals })))).toBeUndefined();
    expect(decideRoute(makeInput([], {})).chosen).toBeUndefined();
  });

  test("sorts as the request wishes", () => {
    const fast = makeTarget("fast", { price: { input: 9, cachedInput: 9, output: 9 } });
    const signals = { fast: makeSignals({ latencyMs: 100 }), cheap: makeSignals({ latencyMs: 900 }) };
    const first = (sort: "price" | "latency") =>
      decideRoute(
        makeInput([fast, makeTarget("cheap")], { request: makeRequest({ wishes: { sort } }), signals }),
      ).chosen;
    expect([first("latency"), first("price")]).toEqual(["fast", "cheap"]);
  });

  test("spreads jobs over equal targets", () => {
    const targets = ["a", "b", "c"].map((id) => makeTarget(id));
    const counts: Record<string, number> = {};
    for (let i = 0; i < 900; i += 1) {
      const { chosen = "" } = decideRoute(
        makeInput(targets, { request: makeRequest({ jobId: `job_${i}` }) }),
      );
      counts[chosen] = (counts[chosen] ?? 0) + 1;
    }
    for (const count of Object.values(counts)) expect(Math.abs(count - 300)).toBeLessThan(60);
  });

  test("refuses a policy that names a scorer or picker that does not exist", () => {
    for (const policy of [
      { name: "balanced", scorers: { luck: 1 }, picker: "best" },
      { name: "balanced", scorers: {}, picker: "worst" },
    ]) {
      const config = makeConfig([makeTarget("a")], { policies: { balanced: policy } });
      expect(() => decideRoute(makeInput([], { config }))).toThrow(/there is no/);
    }
  });
});

const share = double({ min: 0, max: 1, noNaN: true });
const anyTarget = record({
  pool: constantFrom("main", "spare"),
  weight: integer({ min: 1, max: 5 }),
  contextWindow: constantFrom(100, 10_000),
  tokensUsed: share,
  errorRate: share,
  latencyMs: integer({ min: 1, max: 10_000 }),
  paused: boolean(),
  failed: boolean(),
  given: constantFrom(undefined, 0, 0.5, 9),
});

test("a decision run again on the signals it stored chooses the same, with every picker", () => {
  assert(
    property(
      array(anyTarget, { maxLength: 10 }),
      constantFrom("best", "weighted"),
      share,
      (all, picker, draw) => {
        const targets = all.map(({ pool, weight, contextWindow }, i) =>
          makeTarget(`t${i}`, { pool, weight, contextWindow }),
        );
        const signals = Object.fromEntries(
          all.map(({ tokensUsed, errorRate, latencyMs, paused, given }, i) => [
            `t${i}`,
            makeSignals({
              ...{ tokensUsed, errorRate, latencyMs, pausedUntil: paused ? 5_000 : 0 },
              ...(given === undefined ? {} : { weight: given }),
            }),
          ]),
        );
        const policies = {
          balanced: { name: "balanced", scorers: { cost: 1, latency: 2, headroom: 1 }, picker },
        };
        const request = makeRequest({
          failedTargets: targets.filter((_, i) => all[i]?.failed).map(({ id }) => id),
        });
        const config = makeConfig(targets, { policies });
        const route = decideRoute({ request, config, signals, now: 1_000, random: draw * 0.999 });
        const stored = JSON.parse(JSON.stringify(route)) as typeof route;
        const again = decideRoute({
          request,
          config,
          signals: stored.signals,
          now: stored.decidedAt,
          random: stored.random ?? 0,
        });
        expect(again).toEqual(route);
        expect(new Set(route.order).size).toBe(route.order.length);
      },
    ),
  );
});

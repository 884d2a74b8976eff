import type { Route } from "@sluice/domain";
import { expect, test } from "vitest";
import { renderRoute } from "./views-of-routes.ts";

const idle = { inFlight: 0, requestsUsed: 0, tokensUsed: 0, concurrencyUsed: 0, errorRate: 0 };
const health = { ok: true, checkedAt: 1_000, passedAt: 1_000, failures: 0, passes: 7 };
const route: Route = {
  chosen: "a",
  order: ["a"],
  candidates: [
    { target: "a", pool: "main", version: "v2", scores: { cost: 1 }, total: 2, share: 0.1 },
    { target: "b", pool: "main", dropped: { filter: "not-paused", reason: "is paused for another 5 ms" } },
  ],
  picker: "best",
  propensity: 1,
  policy: "balanced",
  configHash: "abc",
  decidedAt: 0,
  random: 0.5,
  turn: 3,
  attempt: 1,
  failedTargets: [],
  rules: [{ index: 0, matched: false, error: "no such key at character 9" }],
  signals: {
    a: {
      ...idle,
      latencyMs: undefined,
      pausedUntil: 0,
      weight: 10,
      learnedConcurrency: 8,
      inFlightTokens: 70,
    },
    b: { ...idle, latencyMs: 7, pausedUntil: Number.MAX_SAFE_INTEGER, breaker: "open", reopensAt: 1_000 },
    c: { ...idle, latencyMs: 7, pausedUntil: 0, health },
  },
  heldBack: [{ target: "c", limit: "concurrency", waitMs: 9 }],
};

test("a decision about a job is shown with everything that it was made of", () => {
  expect(renderRoute(route, { jobId: "job_1", model: "auto", dryRun: false })).toMatchObject({
    object: "job.route",
    job_id: "job_1",
    dry_run: false,
    model: "auto",
    chosen: "a",
    candidates: route.candidates,
    rules: route.rules,
    config_hash: "abc",
    decided_at: "1970-01-01T00:00:00.000Z",
    held_back: [{ target: "c", limit: "concurrency", wait_ms: 9 }],
    signals: {
      a: {
        in_flight: 0,
        in_flight_tokens: 70,
        learned_concurrency: 8,
        latency_ms: null,
        paused_until: null,
        breaker: "closed",
        weight: 10,
      },
      b: {
        latency_ms: 7,
        paused_until: "+275760-09-13T00:00:00.000Z",
        breaker: "open",
        reopens_at: "1970-01-01T00:00:01.000Z",
      },
      c: { health: { ok: true, checked_at: "1970-01-01T00:00:01.000Z", failures: 0, passes: 7 } },
    },
  });
});

test("a dry run says that it is one, and a decision without a choice has none", () => {
  const none = { ...route, chosen: undefined, order: [] };
  expect(renderRoute(none, { model: "auto", dryRun: true })).toMatchObject({
    object: "route",
    dry_run: true,
    chosen: null,
  });
});

test("every key is in the wire's spelling", () => {
  const engine = {
    waiting: 1,
    running: 2,
    kvCacheUsage: 0.5,
    gpuUtilisation: 0.1,
    gpuMemoryUsed: 0.2,
    scrapedAt: 5,
  };
  const { a } = route.signals;
  if (a === undefined) throw new Error("a has signals");
  const text = JSON.stringify(
    renderRoute({ ...route, signals: { a: { ...a, engine } } }, { model: "auto", dryRun: true }),
  );
  const keys = [...text.matchAll(/"([^"]+)":/g)].map(([, key]) => key ?? "");
  expect(keys.filter((key) => /[A-Z]/.test(key))).toEqual([]);
});

test("a candidate that would be called in another dialect says where", () => {
  const candidates = [{ target: "a", pool: "main", translated: "/v1/messages", scores: {}, total: 0 }];
  expect(renderRoute({ ...route, candidates }, { model: "auto", dryRun: true })).toMatchObject({
    candidates: [{ target: "a", translated_to: "/v1/messages" }],
  });
});

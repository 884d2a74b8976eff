import type { Target, TargetSignals } from "@sluice/domain";
import { expect, test } from "vitest";
import { poolView, targetView } from "./pool-view.ts";

const target: Target = {
  id: "a",
  pool: "p",
  provider: "sim",
  model: "m",
  version: "2026-11",
  weight: 2,
  limits: { requestsPerMinute: 600, usdPerDay: 5 },
  price: { input: 1, cachedInput: 0.5, output: 2 },
  contextWindow: 1_000,
  maxOutputTokens: 100,
  endpoints: [],
  capabilities: [],
  tags: [],
};
const signals: TargetSignals = {
  inFlight: 3,
  requestsUsed: 0.25,
  tokensUsed: 0,
  latencyMs: 123.4,
  firstTokenP50Ms: 20,
  firstTokenP95Ms: 80,
  latencyP50Ms: 100,
  latencyP95Ms: 400,
  errorRate: 0.5,
  tokensPerSecond: 40,
  learnedConcurrency: 12,
  inFlightTokens: 340,
  concurrencyUsed: 0.25,
  pausedUntil: 2_000,
  pauseReason: "throttled",
  breaker: "open",
  reopensAt: 5_000,
  spentTodayUsd: 1.5,
  health: { ok: false, checkedAt: 3_000, passedAt: 0, failures: 4, passes: 0 },
};

test("a target is shown with its limits, its use of them, its health and its spend", () => {
  expect(targetView({ target, state: "draining", weight: 0.5, signals })).toEqual({
    id: "a",
    object: "target",
    pool: "p",
    provider: "sim",
    model: "m",
    version: "2026-11",
    weight: 0.5,
    configured_weight: 2,
    weight_given: true,
    state: "draining",
    limits: { requests_per_minute: 600, usd_per_day: 5 },
    price: { input: 1, cached_input: 0.5, output: 2 },
    in_flight: 3,
    in_flight_tokens: 340,
    learned_concurrency: 12,
    use: { requests: 0.25, tokens: null, concurrency: 0.25 },
    breaker: { state: "open", reopens_at: "1970-01-01T00:00:05.000Z" },
    health: { ok: false, checked_at: "1970-01-01T00:00:03.000Z", passed_at: null, failures: 4 },
    paused: { until: "1970-01-01T00:00:02.000Z", reason: "throttled" },
    latency_ms: { mean: 123, p50: 100, p95: 400 },
    first_token_ms: { p50: 20, p95: 80 },
    error_rate: 0.5,
    tokens_per_second: 40,
    spent_today_usd: 1.5,
  });
});

test("what is not known of a target is null", () => {
  expect(poolView("p", [{ target, state: "active", weight: undefined, signals: undefined }])).toMatchObject({
    id: "p",
    object: "pool",
    targets: [
      {
        weight: 2,
        weight_given: false,
        in_flight: null,
        in_flight_tokens: null,
        learned_concurrency: null,
        use: { requests: null },
        breaker: null,
        health: null,
        paused: null,
        latency_ms: { mean: null, p50: null, p95: null },
        first_token_ms: { p50: null, p95: null },
        error_rate: null,
        spent_today_usd: null,
      },
    ],
  });
});

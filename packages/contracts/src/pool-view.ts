import type { Price, Target, TargetLimits, TargetSignals } from "@sluice/domain";

/** What a view of a target is made from; `signals` is absent while nothing is known of it. */
export interface TargetToRender {
  readonly target: Target;
  readonly state: "active" | "paused" | "draining";
  /** Given by an operator in place of the configured one. */
  readonly weight: number | undefined;
  readonly signals: TargetSignals | undefined;
}

/** A pool as `GET /v1/pools` answers it. */
export function poolView(pool: string, targets: readonly TargetToRender[]): Record<string, unknown> {
  return { id: pool, object: "pool", targets: targets.map(targetView) };
}

/** A target as `GET /v1/pools` and its operations answer it; what is not known is null. */
export function targetView({ target, state, weight, signals }: TargetToRender): Record<string, unknown> {
  const { id, pool, provider, model, version, limits, price } = target;
  return {
    id,
    object: "target",
    pool,
    provider,
    model,
    version: version ?? null,
    weight: weight ?? target.weight,
    configured_weight: target.weight,
    weight_given: weight !== undefined,
    state,
    limits: limitsView(limits),
    price: priceView(price),
    in_flight: signals?.inFlight ?? null,
    in_flight_tokens: signals?.inFlightTokens ?? null,
    learned_concurrency: signals?.learnedConcurrency ?? null,
    use: useView(limits, signals),
    breaker: breakerView(signals),
    health: healthView(signals),
    paused: pauseView(signals),
    latency_ms: {
      mean: rounded(signals?.latencyMs),
      p50: signals?.latencyP50Ms ?? null,
      p95: signals?.latencyP95Ms ?? null,
    },
    first_token_ms: { p50: signals?.firstTokenP50Ms ?? null, p95: signals?.firstTokenP95Ms ?? null },
    error_rate: signals?.errorRate ?? null,
    tokens_per_second: signals?.tokensPerSecond ?? null,
    spent_today_usd: signals === undefined ? null : (signals.spentTodayUsd ?? 0),
  };
}

/** Shares of the stated limits (of calls at once also of a learned one), 0..1; null where there is none. */
function useView(limits: TargetLimits, signals: TargetSignals | undefined): Record<string, number | null> {
  const tokenLimit = limits.tokensPerMinute ?? limits.inputTokensPerMinute ?? limits.outputTokensPerMinute;
  const share = (limit: number | undefined, used: number | undefined) =>
    limit === undefined ? null : (used ?? null);
  return {
    requests: share(limits.requestsPerMinute, signals?.requestsUsed),
    tokens: share(tokenLimit, signals?.tokensUsed),
    concurrency: share(limits.concurrency ?? signals?.learnedConcurrency, signals?.concurrencyUsed),
  };
}

function breakerView(signals: TargetSignals | undefined): Record<string, unknown> | null {
  if (signals === undefined) return null;
  return { state: signals.breaker ?? "closed", reopens_at: iso(signals.reopensAt) };
}

/** Null also where nothing is checked. */
function healthView(signals: TargetSignals | undefined): Record<string, unknown> | null {
  if (signals?.health === undefined) return null;
  const { ok, checkedAt, passedAt, failures } = signals.health;
  const moment = (at: number) => (at === 0 ? null : iso(at));
  return { ok, checked_at: moment(checkedAt), passed_at: moment(passedAt), failures };
}

/** A pause that ends by itself, such as after a 429 or a refused key. */
function pauseView(signals: TargetSignals | undefined): Record<string, unknown> | null {
  if (signals === undefined || signals.pausedUntil === 0) return null;
  return { until: iso(signals.pausedUntil), reason: signals.pauseReason ?? null };
}

function limitsView(limits: TargetLimits): Record<string, number> {
  const named: readonly (readonly [string, number | undefined])[] = [
    ["requests_per_minute", limits.requestsPerMinute],
    ["tokens_per_minute", limits.tokensPerMinute],
    ["input_tokens_per_minute", limits.inputTokensPerMinute],
    ["output_tokens_per_minute", limits.outputTokensPerMinute],
    ["concurrency", limits.concurrency],
    ["tokens_per_day", limits.tokensPerDay],
    ["usd_per_day", limits.usdPerDay],
  ];
  return Object.fromEntries(named.filter((pair): pair is [string, number] => pair[1] !== undefined));
}

function priceView({ input, cachedInput, output }: Price): Record<string, number> {
  return { input, cached_input: cachedInput, output };
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms);
}

function iso(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

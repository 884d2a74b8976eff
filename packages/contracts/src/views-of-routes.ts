import type { EngineLoad, ProviderHealth, Route, RouteCandidate, TargetSignals } from "@sluice/domain";

/** The newest decision about a job, or what a dry run decided, as `…/route` answers it. */
export function renderRoute(
  route: Route,
  about: { readonly jobId?: string; readonly model: string; readonly dryRun: boolean },
): unknown {
  const { chosen, order, policy, picker, propensity, configHash, decidedAt, heldBack } = route;
  return {
    ...(about.jobId === undefined ? { object: "route" } : { object: "job.route", job_id: about.jobId }),
    dry_run: about.dryRun,
    model: about.model,
    chosen: chosen ?? null,
    order,
    candidates: route.candidates.map(renderCandidate),
    rules: route.rules ?? [],
    policy,
    picker,
    propensity,
    config_hash: configHash,
    decided_at: iso(decidedAt),
    attempt: route.attempt ?? null,
    failed_targets: route.failedTargets ?? [],
    ...(heldBack === undefined
      ? {}
      : { held_back: heldBack.map(({ target, limit, waitMs }) => ({ target, limit, wait_ms: waitMs })) }),
    random: route.random ?? null,
    turn: route.turn ?? null,
    signals: Object.fromEntries(
      Object.entries(route.signals).map(([target, signals]) => [target, renderSignals(signals)]),
    ),
  };
}

function renderCandidate(candidate: RouteCandidate): unknown {
  const { target, pool, version, dropped, translated, scores, total, share } = candidate;
  return {
    target,
    pool,
    ...(version === undefined ? {} : { version }),
    ...(dropped === undefined ? {} : { dropped }),
    ...(translated === undefined ? {} : { translated_to: translated }),
    ...(scores === undefined ? {} : { scores, total: total ?? 0 }),
    ...(share === undefined ? {} : { share }),
  };
}

/** What is not known is `null`, or absent where it does not apply. */
function renderSignals(signals: TargetSignals): unknown {
  const { pausedUntil, engine } = signals;
  return {
    in_flight: signals.inFlight,
    ...(signals.inFlightTokens === undefined ? {} : { in_flight_tokens: signals.inFlightTokens }),
    requests_used: signals.requestsUsed,
    tokens_used: signals.tokensUsed,
    concurrency_used: signals.concurrencyUsed,
    ...(signals.learnedConcurrency === undefined ? {} : { learned_concurrency: signals.learnedConcurrency }),
    latency_ms: signals.latencyMs ?? null,
    latency_p50_ms: signals.latencyP50Ms ?? null,
    latency_p95_ms: signals.latencyP95Ms ?? null,
    ...(signals.firstTokenP50Ms === undefined
      ? {}
      : { first_token_p50_ms: signals.firstTokenP50Ms, first_token_p95_ms: signals.firstTokenP95Ms }),
    tokens_per_second: signals.tokensPerSecond ?? null,
    expected_output_tokens: signals.expectedOutputTokens ?? null,
    error_rate: signals.errorRate,
    paused_until: pausedUntil === 0 ? null : iso(pausedUntil),
    breaker: signals.breaker ?? "closed",
    ...(signals.reopensAt === undefined ? {} : { reopens_at: iso(signals.reopensAt) }),
    ...(signals.weight === undefined ? {} : { weight: signals.weight }),
    ...(engine === undefined ? {} : { engine: renderEngine(engine) }),
    ...(signals.health === undefined ? {} : { health: renderHealth(signals.health) }),
  };
}

function renderEngine({ waiting, running, kvCacheUsage, ...engine }: EngineLoad): unknown {
  return {
    waiting: waiting ?? null,
    running: running ?? null,
    kv_cache_usage: kvCacheUsage ?? null,
    gpu_utilisation: engine.gpuUtilisation ?? null,
    gpu_memory_used: engine.gpuMemoryUsed ?? null,
    scraped_at: engine.scrapedAt === 0 ? null : iso(engine.scrapedAt),
  };
}

function renderHealth({ ok, checkedAt, failures, passes }: ProviderHealth): unknown {
  return { ok, checked_at: checkedAt === 0 ? null : iso(checkedAt), failures, passes };
}

/** Moments that no date can hold (a pause without end) are the last one that can. */
function iso(at: number): string {
  return new Date(Math.min(at, 8_640_000_000_000_000)).toISOString();
}

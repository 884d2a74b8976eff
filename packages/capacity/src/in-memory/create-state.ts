import type { Breaker, Learned, MinuteOfTimes, Scope, Seen, State } from "./state.ts";
import { createWaitingTenants } from "./waiting-tenants.ts";

/** A cluster in which nothing has happened yet. */
export function createState({ startsCold }: { readonly startsCold: boolean }): State {
  return {
    targets: new Map(),
    tenants: new Map(),
    owners: new Map(),
    firstLeaseEndsAt: Number.POSITIVE_INFINITY,
    parked: new Map(),
    budgets: new Map(),
    cold: startsCold ? { since: undefined, token: undefined, claimedUntil: 0 } : undefined,
  };
}

/** The scope of a name; an empty one when it is new. */
export function scopeOf(scopes: Map<string, Scope>, name: string): Scope {
  const known = scopes.get(name);
  if (known !== undefined) return known;
  const scope = createScope();
  scopes.set(name, scope);
  return scope;
}

function createScope(): Scope {
  return {
    sums: {
      pace: { requests: 0, tokens: 0, input: 0, output: 0, peak: 0 },
      requests: 0,
      input: 0,
      output: 0,
      other: 0,
      inFlight: 0,
      inFlightTokens: 0,
    },
    log: { entries: [], first: 0 },
    day: [],
    waiting: createWaitingTenants(),
    left: new Map(),
    virtualTime: 0,
    waitedLimits: { requests: -1, tokens: -1, input: -1, output: -1, concurrency: -1, hasMargin: false },
    pausedUntil: 0,
    pauseReason: "",
    breaker: createBreaker(),
    seen: createSeen(),
    learned: createLearned(),
    learnedConcurrency: undefined,
    latencies: [createMinute(), createMinute()],
    firstTokens: [createMinute(), createMinute()],
    spend: { day: -1, microUsd: 0 },
  };
}

function createBreaker(): Breaker {
  return {
    isOpen: false,
    untilAt: 0,
    opens: 0,
    base: 0,
    probeAt: undefined,
    askedAt: undefined,
    closedAt: undefined,
    fails: 0,
    row: 0,
    silentSince: undefined,
    retryAt: 0,
    buckets: [],
    operated: undefined,
    operatedAt: 0,
    weight: undefined,
  };
}

function createSeen(): Seen {
  return {
    at: undefined,
    latencySum: 0,
    latencyWeight: 0,
    errorSum: 0,
    errorWeight: 0,
    tokens: 0,
    tokenMs: 0,
  };
}

function createLearned(): Learned {
  return {
    answers: 0,
    output: { mean: 0, variance: 0 },
    errors: { input: { mean: 0, variance: 0 }, output: { mean: 0, variance: 0 } },
    inputReal: 0,
    inputEstimated: 0,
    inputRatio: 1,
  };
}

function createMinute(): MinuteOfTimes {
  return { minute: -1, calls: [] };
}

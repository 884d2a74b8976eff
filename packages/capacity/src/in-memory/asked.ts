import type { ReserveRequest, TargetLimits, TenantConfig } from "@sluice/domain";
import { microUsd, stated, whole } from "../amounts.ts";
import type { WaitedLimits } from "../parking.ts";
import { slowStartPlaces } from "./breaker.ts";
import type { AskedBudget } from "./budgets.ts";
import { scopeOf } from "./create-state.ts";
import { type Place, placeOf } from "./fair-order.ts";
import { learnedPlaces } from "./learned-concurrency.ts";
import { withMargin } from "./margin.ts";
import type { Scope, Step } from "./state.ts";

/** One scope that a request asks, with the limits it states; -1 where none is. */
export interface AskedScope {
  readonly scope: Scope;
  readonly limits: WaitedLimits;
  readonly tokensPerDay: number;
  readonly microUsdPerDay: number;
}

/** A request as `reserve.lua` takes it. */
export interface Ask {
  readonly turn: Place | undefined;
  readonly input: number;
  readonly output: number;
  /** Input before correction. */
  readonly estimate: number;
  readonly microUsd: number;
  readonly target: AskedScope;
  /** How many calls slow start allows at once; `undefined` when it is over. */
  readonly slowPlaces: number | undefined;
  /** How many calls at once go well; `undefined` where a concurrency is stated. */
  readonly learnedPlaces: number | undefined;
  readonly budgets: readonly AskedBudget[];
  /** Absent when no limit of the tenant is stated. */
  readonly tenant: AskedScope | undefined;
}

export function askOf({ state, now }: Step, request: ReserveRequest, budgets: readonly AskedBudget[]): Ask {
  const { turn, tenant, target } = request;
  const scope = scopeOf(state.targets, target.id);
  const estimate = whole(request.inputTokens);
  return {
    turn: turn && placeOf(turn),
    input: Math.ceil(estimate * scope.learned.inputRatio),
    output: whole(request.outputTokens),
    estimate,
    microUsd: microUsd(request.costUsd),
    budgets,
    target: askedOfTarget(scope, target.limits),
    learnedPlaces:
      target.limits.concurrency === undefined ? learnedPlaces(scope, isRated(target.limits)) : undefined,
    slowPlaces: slowStartPlaces(scope.breaker, now, stated(target.limits.concurrency)),
    tenant: hasLimits(tenant.limits)
      ? askedOfTenant(scopeOf(state.tenants, tenant.id), tenant.limits)
      : undefined,
  };
}

function askedOfTarget(scope: Scope, limits: TargetLimits): AskedScope {
  return {
    scope,
    limits: withMargin(
      {
        requests: stated(limits.requestsPerMinute),
        tokens: stated(limits.tokensPerMinute),
        input: stated(limits.inputTokensPerMinute),
        output: stated(limits.outputTokensPerMinute),
        concurrency: stated(limits.concurrency),
        hasMargin: true,
      },
      scope.learned,
      scope.sums,
    ),
    tokensPerDay: stated(limits.tokensPerDay),
    microUsdPerDay: moneyOf(limits.usdPerDay),
  };
}

function isRated(limits: TargetLimits): boolean {
  const { requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } = limits;
  const rates = [requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute];
  return rates.some((rate) => rate !== undefined);
}

type TenantLimits = TenantConfig["limits"];

function hasLimits({ requestsPerMinute, tokensPerMinute, concurrency, usdPerDay }: TenantLimits): boolean {
  const limits = [requestsPerMinute, tokensPerMinute, concurrency, usdPerDay];
  return limits.some((limit) => limit !== undefined);
}

function askedOfTenant(scope: Scope, limits: TenantLimits): AskedScope {
  return {
    scope,
    limits: {
      requests: stated(limits.requestsPerMinute),
      tokens: stated(limits.tokensPerMinute),
      input: -1,
      output: -1,
      concurrency: stated(limits.concurrency),
      hasMargin: false,
    },
    tokensPerDay: -1,
    microUsdPerDay: moneyOf(limits.usdPerDay),
  };
}

function moneyOf(usd: number | undefined): number {
  return usd === undefined ? -1 : microUsd(usd);
}

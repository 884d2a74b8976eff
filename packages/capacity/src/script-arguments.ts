import type { Budget, CallSample, ReserveRequest, Turn } from "@sluice/domain";
import { budgetName, microUsd, stated, whole } from "./amounts.ts";
import {
  budgetKey,
  heldKey,
  owners,
  parked,
  targetDay,
  targetHealth,
  targetLog,
  targetUse,
  tenantDay,
  tenantLog,
  tenantUse,
  warm,
} from "./capacity-keys.ts";
import { memberOf, type WaitingPlace } from "./parking.ts";
import type { Readings, StatedReading } from "./report-readings.ts";

export function observeKeys(id: string): string[] {
  return [targetUse(id), targetHealth(id), targetLog(id), parked];
}

export function reserveKeys({ target, tenant, owner }: ReserveRequest): string[] {
  return [
    targetUse(target.id),
    targetLog(target.id),
    targetDay(target.id),
    tenantUse(tenant.id),
    tenantLog(tenant.id),
    tenantDay(tenant.id),
    owners,
    heldKey(owner),
    targetHealth(target.id),
    parked,
    warm,
  ];
}

/** The arguments of `reserve.lua` after the reservation's id. */
export function reserveArguments(request: ReserveRequest, calm: boolean): (number | string)[] {
  const budgets = request.budgets ?? [];
  return [
    ...amountsOf(request),
    calm ? 1 : 0,
    ...placeInOrder(request.turn),
    ...budgets.flatMap(budgetArguments),
  ];
}

function budgetArguments({ key, usd, window, spentUsd }: Budget): (number | string)[] {
  const spent = spentUsd === undefined ? "" : microUsd(spentUsd);
  return [budgetKey(key), budgetName(key), Math.round(usd * 1_000_000), window, spent];
}

function amountsOf({
  target,
  tenant,
  inputTokens,
  outputTokens,
  costUsd,
  leaseMs,
}: ReserveRequest): (number | string)[] {
  const { limits } = target;
  return [
    whole(leaseMs),
    whole(inputTokens),
    whole(outputTokens),
    microUsd(costUsd),
    stated(limits.requestsPerMinute),
    stated(limits.tokensPerMinute),
    stated(limits.inputTokensPerMinute),
    stated(limits.outputTokensPerMinute),
    stated(limits.concurrency),
    stated(limits.tokensPerDay),
    limits.usdPerDay === undefined ? -1 : microUsd(limits.usdPerDay),
    stated(tenant.limits.requestsPerMinute),
    stated(tenant.limits.tokensPerMinute),
    stated(tenant.limits.concurrency),
    tenant.limits.usdPerDay === undefined ? -1 : microUsd(tenant.limits.usdPerDay),
  ];
}

/** How the scripts are told whose turn it is. */
export function placeInOrder(turn: Turn | undefined): (number | string)[] {
  if (turn === undefined) return ["", "", "", ""];
  return [memberOf(turn), turn.effectiveDeadlineAt, turn.tenantId, turn.weight];
}

/** The arguments of `park.lua` for one scope. */
export function placeArguments({
  refusal,
  scope,
  inputTokens,
  outputTokens,
  limits,
}: WaitingPlace): (number | string)[] {
  const { target, tenant } = refusal.request;
  const keys =
    scope === "target"
      ? [targetUse(target.id), targetLog(target.id)]
      : [tenantUse(tenant.id), tenantLog(tenant.id)];
  const { requests, tokens, input, output, concurrency, hasMargin } = limits;
  return [
    ...keys,
    inputTokens,
    outputTokens,
    requests,
    tokens,
    input,
    output,
    concurrency,
    Number(hasMargin),
  ];
}

/** The arguments of `observe.lua` after the time. */
export function argumentsOf({
  latencyMs,
  ok,
  health,
  reservation,
  retryAfterMs,
  outputTokens,
  costUsd,
  isOverloaded,
  firstTokenMs,
}: CallSample): (number | string)[] {
  return [
    latencyMs,
    ok === undefined ? "" : Number(ok),
    health ?? "",
    reservation?.probe ?? 0,
    whole(retryAfterMs ?? 0),
    whole(outputTokens ?? 0),
    microUsd(costUsd ?? 0),
    isOverloaded === true ? 1 : 0,
    firstTokenMs ?? "",
  ];
}

/** The arguments of `learn.lua` after the unique id. */
export function reportArguments({ requests, tokens }: Readings): (number | string)[] {
  return [requests, tokens].flatMap(readingArguments);
}

function readingArguments(reading: StatedReading | undefined): (number | string)[] {
  if (reading === undefined) return [-1, 0, "", ""];
  const { limit, remaining, resetMs, left } = reading;
  return [limit, remaining, resetMs ?? "", left ?? ""];
}

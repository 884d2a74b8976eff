import type { Ask, AskedScope } from "./asked.ts";
import { type AskedBudget, leftOfTotal } from "./budgets.ts";
import { dayHours, firstHour, hourMs, prune } from "./common.ts";
import { pacedFor } from "./pace.ts";
import type { Hour, Log, Scope, Step } from "./state.ts";
import { isPaced, latencyOf } from "./waiters.ts";
import { type Window, windows } from "./windows.ts";

const mostRead = 2_000;

/** A limit that is full, and for how long. */
interface Full {
  readonly limit: string;
  readonly waitMs: number;
}

interface Check {
  readonly ask: Ask;
  readonly now: number;
  /** Usual latency of the target. */
  readonly latencyMs: number;
  /** Of the limits looked at so far, the one that takes longest to clear. */
  worst: Full | undefined;
}

/** The checks of `reserve.lua`: the limit that takes longest to clear, `undefined` when none is full. */
export function requireRoom({ now }: Step, ask: Ask): Full | undefined {
  const { target, tenant, slowPlaces, learnedPlaces } = ask;
  const check: Check = { ask, now, latencyMs: latencyOf(target.scope), worst: undefined };
  requireWindows(check, "target", target);
  requirePace(check, "target", target);
  requirePlace(check, "target.concurrency", target.limits.concurrency, target.scope);
  requirePlace(check, "target.learned_concurrency", learnedPlaces ?? -1, target.scope);
  requirePlace(check, "target.slow_start", slowPlaces ?? -1, target.scope);
  requireDays(check, "target", target);
  if (tenant !== undefined) {
    prune(tenant.scope, now);
    requireWindows(check, "tenant", tenant);
    requirePace(check, "tenant", tenant);
    requirePlace(check, "tenant.concurrency", tenant.limits.concurrency, tenant.scope);
    requireDays(check, "tenant", tenant);
  }
  for (const budget of ask.budgets) requireBudget(check, budget);
  return check.worst;
}

function deny(check: Check, limit: string, wait: number): void {
  const waitMs = Math.max(1, Math.ceil(wait));
  if (check.worst === undefined || waitMs > check.worst.waitMs) check.worst = { limit, waitMs };
}

/** A call that is larger than the whole limit takes an empty window. */
function requireWindows(check: Check, of: string, { scope, limits }: AskedScope): void {
  for (const window of windows) {
    const limit = limits[window.limit];
    if (limit < 0) continue;
    const excess = window.amount(scope.sums) + Math.min(window.need(check.ask), limit) - limit;
    if (excess > 0) deny(check, `${of}.${window.name}`, waitFor(check, scope.log, window, excess));
  }
}

/** When entries of the log worth `excess` will have left; beyond the log, one usual latency. */
function waitFor({ now, latencyMs }: Check, { entries, first }: Log, window: Window, excess: number): number {
  let freed = 0;
  for (let n = first; n < first + mostRead; n += 1) {
    const entry = entries[n];
    if (entry === undefined) break;
    freed += window.amount(entry);
    if (freed >= excess) return entry.leavesAt - now;
  }
  return Math.min(5_000, Math.max(100, latencyMs));
}

function requirePace(check: Check, of: string, { scope, limits }: AskedScope): void {
  const { ask, now } = check;
  const room = { limits, sums: scope.sums };
  if (ask.turn !== undefined && isPaced(room, ask.turn.urgency, now))
    deny(check, `${of}.pace`, pacedFor(room, now));
}

function requirePlace(check: Check, name: string, limit: number, { sums }: Scope): void {
  if (limit >= 0 && sums.inFlight >= Math.max(1, limit))
    deny(check, name, Math.min(2_000, Math.max(50, check.latencyMs / 8)));
}

function requireDays(check: Check, of: string, { scope, tokensPerDay, microUsdPerDay }: AskedScope): void {
  const { input, output, microUsd } = check.ask;
  requireDay(check, `${of}.tokens_per_day`, scope, {
    limit: tokensPerDay,
    kind: "tokens",
    need: input + output,
  });
  requireDay(check, `${of}.usd_per_day`, scope, { limit: microUsdPerDay, kind: "microUsd", need: microUsd });
}

function requireBudget(check: Check, budget: AskedBudget): void {
  const { name, limit, window, counter } = budget;
  const need = check.ask.microUsd;
  if (window === "day") requireDay(check, name, counter, { limit, kind: "microUsd", need });
  else if (leftOfTotal(budget).now < need) deny(check, name, Math.min(5_000, Math.max(500, check.latencyMs)));
}

interface DayNeed {
  readonly limit: number;
  readonly kind: "tokens" | "microUsd";
  readonly need: number;
}

/** What the hours of a day hold, and when enough of them will have left. */
function requireDay(
  check: Check,
  name: string,
  { day }: { readonly day: Hour[] },
  { limit, kind, need }: DayNeed,
): void {
  if (limit < 0) return;
  const first = firstHour(check.now);
  while ((day[0]?.hour ?? first) < first) day.shift();
  let excess = need - limit;
  for (const hour of day) excess += hour[kind];
  if (excess <= 0) return;
  const freeing = day.find((hour) => {
    excess -= hour[kind];
    return excess <= 0;
  });
  const wait = freeing === undefined ? dayHours * hourMs : (freeing.hour + dayHours + 1) * hourMs - check.now;
  deny(check, name, wait);
}

import type { Budget } from "@sluice/domain";
import { budgetName, microUsd } from "../amounts.ts";
import { addDay, hourMs } from "./common.ts";
import type { Held, HeldBudget, KnownBudget, State, Step } from "./state.ts";

/** `budgets.lua` in memory; its comments say why. A budget of a call, with its counter. */
export interface AskedBudget {
  readonly counter: KnownBudget;
  readonly name: string;
  /** Micro-USD. */
  readonly limit: number;
  readonly window: Budget["window"];
}

/** `undefined`: its counter is not known, nor what was spent. */
export function askBudget({ state, now }: Step, budget: Budget): AskedBudget | undefined {
  const { key, usd, window } = budget;
  const counter = knownCounter(state, budget) ?? beginCounter(state, budget, now);
  return counter && { counter, name: budgetName(key), limit: Math.round(usd * 1_000_000), window };
}

function knownCounter({ budgets }: State, { key, window }: Budget): KnownBudget | undefined {
  const counter = budgets.get(key);
  return window === "total" || (counter?.day.length ?? 0) > 0 ? counter : undefined;
}

function beginCounter({ budgets }: State, budget: Budget, now: number): KnownBudget | undefined {
  if (budget.spentUsd === undefined) return undefined;
  const spent = microUsd(budget.spentUsd);
  // Calls under way may hold a counter whose hours have all left.
  const counter = budgets.get(budget.key) ?? { day: [], microUsd: spent, held: 0 };
  if (budget.window === "day")
    counter.day.push({ hour: Math.floor(now / hourMs), tokens: 0, microUsd: spent });
  budgets.set(budget.key, counter);
  return counter;
}

/** What of a total is left for a call: now, and once all calls under way turn out to cost nothing. */
export function leftOfTotal({ counter, limit }: AskedBudget): { now: number; atBest: number } {
  const now = limit - counter.microUsd;
  return { now, atBest: now + counter.held };
}

export function holdBudgets(budgets: readonly AskedBudget[], now: number, microUsd: number): HeldBudget[] {
  return budgets.map(({ counter, window }) => {
    if (window === "day") spendToday(counter, now, now, microUsd);
    else {
      counter.microUsd += microUsd;
      counter.held += microUsd;
    }
    return { counter, window };
  });
}

function spendToday({ day }: KnownBudget, now: number, reservedAt: number, microUsd: number): void {
  if (microUsd !== 0) addDay(day, now, { reservedAt, tokens: 0, microUsd });
}

/** Lets what a record holds of budgets be spent as far as the call cost it. */
export function settleBudgets(record: Held, now: number, microUsd: number): void {
  for (const { counter, window } of record.budgets) {
    if (window === "day") spendToday(counter, now, record.reservedAt, microUsd - record.microUsd);
    else {
      counter.microUsd += microUsd - record.microUsd;
      counter.held -= record.microUsd;
    }
  }
}

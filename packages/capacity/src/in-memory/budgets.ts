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

export function askBudget({ state, now }: Step, budget: Budget): AskedBudget {
  const { key, usd, window, spentUsd = 0 } = budget;
  return {
    counter: counterOf(state, budget, now, microUsd(spentUsd)),
    name: budgetName(key),
    limit: Math.round(usd * 1_000_000),
    window,
  };
}

function counterOf({ budgets }: State, { key, window }: Budget, now: number, spent: number): KnownBudget {
  let counter = budgets.get(key);
  const isKnown = counter !== undefined && (window === "total" || counter.day.length > 0);
  counter ??= { day: [], microUsd: spent, held: 0 };
  budgets.set(key, counter);
  if (!isKnown && window === "day")
    counter.day.push({ hour: Math.floor(now / hourMs), tokens: 0, microUsd: spent });
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

import type { RealUse } from "@sluice/domain";
import { microUsd, whole } from "../amounts.ts";
import { settleBudgets } from "./budgets.ts";
import { addDay, age, sendMarginMs } from "./common.ts";
import { recharge } from "./fair-order.ts";
import { takeHeld } from "./held.ts";
import { learnMean } from "./margin.ts";
import { correctPace } from "./pace.ts";
import type { Held, Scope, Step } from "./state.ts";
import { wakeAfter } from "./waiters.ts";

/** `settle.lua` in memory. */
export function settle(step: Step, id: string, use: RealUse): void {
  const record = takeHeld(step.state, id);
  if (record === undefined) return;
  const input = use.inputTokens === undefined ? record.input : whole(use.inputTokens);
  const output = use.outputTokens === undefined ? record.output : whole(use.outputTokens);
  const spent = use.costUsd === undefined ? record.microUsd : microUsd(use.costUsd);
  const { now } = step;
  const { reservedAt, places } = record;
  const tokens = input + output - record.input - record.output;
  const money = spent - record.microUsd;
  const change = { requests: 0, input: input - record.input, output: output - record.output };
  for (const { scope, limits, countsDay } of places) {
    correctPace(scope, limits, change);
    scope.sums.input += input - record.input;
    scope.sums.inFlightTokens += tokens;
    scope.sums.output += output - record.output;
    if (countsDay) addDay(scope.day, now, { reservedAt, tokens, microUsd: money });
  }
  settleBudgets(record, now, spent);
  recharge(record, tokens);
  const sentAt = use.sentAfterMs === undefined ? now : reservedAt + whole(use.sentAfterMs);
  age({ ...record, input, output }, Math.min(now, sentAt + sendMarginMs));
  wakeAfter(step, record);
  const [target] = places;
  if (use.outputTokens === undefined || output === 0 || target === undefined) return;
  learnAnswer(target.scope, record, input, output);
}

function learnAnswer({ learned }: Scope, { estimate, ...held }: Held, input: number, output: number): void {
  const answers = Math.min(learned.answers + 1, 50);
  learned.answers = answers;
  learnMean(learned.output, output, answers);
  learnMean(learned.errors.input, input - held.input, answers);
  learnMean(learned.errors.output, output - held.output, answers);
  learned.inputReal = learned.inputReal * 0.99 + input;
  learned.inputEstimated = learned.inputEstimated * 0.99 + estimate;
  const { inputReal, inputEstimated } = learned;
  learned.inputRatio = inputEstimated > 0 ? Math.min(4, Math.max(0.25, inputReal / inputEstimated)) : 1;
}

import { dropProbe } from "./breaker.ts";
import { settleBudgets } from "./budgets.ts";
import { addDay } from "./common.ts";
import { recharge } from "./fair-order.ts";
import { takeHeld } from "./held.ts";
import { correctPace } from "./pace.ts";
import type { Step } from "./state.ts";
import { wakeAfter } from "./waiters.ts";

/** `release.lua` in memory. */
export function release(step: Step, id: string, probe: number): void {
  const record = takeHeld(step.state, id);
  if (record === undefined) return;
  const { reservedAt, input, output, microUsd, places } = record;
  const [target] = places;
  if (target !== undefined) dropProbe(target.scope.breaker, probe);
  settleBudgets(record, step.now, 0);
  recharge(record, -input - output);
  for (const { scope, limits, countsDay } of places) {
    correctPace(scope, limits, { requests: -1, input: -input, output: -output });
    scope.sums.requests -= 1;
    scope.sums.input -= input;
    scope.sums.output -= output;
    scope.sums.inFlight -= 1;
    scope.sums.inFlightTokens -= input + output;
    if (countsDay) addDay(scope.day, step.now, { reservedAt, tokens: -input - output, microUsd: -microUsd });
  }
  wakeAfter(step, record);
}

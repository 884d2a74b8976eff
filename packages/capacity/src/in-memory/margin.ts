import type { WaitedLimits } from "../parking.ts";
import type { Learned, Moments, Sums } from "./state.ts";

/** `margin.lua` in memory; its comments say why. */
const leastMargin = 0.01;
const firstMargin = 0.03;
const mostMargin = 0.15;
const marginAfter = 20;
const deviations = 3;

/** The limits a minute without what is kept free of tokens. */
export function withMargin(
  limits: WaitedLimits,
  { answers, errors }: Learned,
  { inFlight }: Sums,
): WaitedLimits {
  const { input, output } = errors;
  const both = { mean: input.mean + output.mean, variance: input.variance + output.variance };
  const usable = (limit: number, { mean, variance }: Moments): number => {
    if (limit < 0) return limit;
    const most = inFlight * Math.max(0, mean) + deviations * Math.sqrt(inFlight * variance);
    const share =
      answers < marginAfter ? firstMargin : Math.min(mostMargin, Math.max(leastMargin, most / limit));
    return Math.max(1, Math.floor(limit * (1 - share)));
  };
  return {
    ...limits,
    tokens: usable(limits.tokens, both),
    input: usable(limits.input, input),
    output: usable(limits.output, output),
  };
}

/** Takes one more sample, the `n`th, into a mean and variance. */
export function learnMean(moments: Moments, sample: number, n: number): void {
  const delta = sample - moments.mean;
  moments.mean += delta / n;
  moments.variance = (1 - 1 / n) * (moments.variance + (delta * delta) / n);
}

import type { Scorer } from "./scorer.ts";

/** The free share of the limit that is fullest. Absolute: a target without limits has all its headroom. */
export const headroom: Scorer = {
  name: "headroom",
  score(candidates, scores) {
    for (const [i, { signals }] of candidates.entries()) {
      const fullest = Math.max(signals.requestsUsed, signals.tokensUsed, signals.concurrencyUsed);
      scores[i] = 1 - Math.min(1, fullest);
    }
    // Nobody has any left: then it says nothing about the choice.
    if (scores.every((score) => score === 0)) scores.fill(1);
  },
};

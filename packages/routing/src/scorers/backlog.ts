import { scoreByRange } from "./compare.ts";
import type { Scorer } from "./scorer.ts";

/** Fewest calls in flight first, in shares of the target's weight. */
export const backlog: Scorer = {
  name: "backlog",
  score(candidates, scores) {
    for (const [i, { target, signals }] of candidates.entries()) {
      scores[i] = signals.inFlight / Math.max(target.weight, 1e-9);
    }
    scoreByRange(scores);
  },
};

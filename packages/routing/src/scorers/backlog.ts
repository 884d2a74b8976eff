import { weightOf } from "../candidate.ts";
import { scoreByRange } from "./compare.ts";
import type { Scorer } from "./scorer.ts";

/** Fewest calls in flight first, in shares of the target's weight. */
export const backlog: Scorer = {
  name: "backlog",
  score(candidates, scores) {
    for (const [i, candidate] of candidates.entries()) {
      scores[i] = candidate.signals.inFlight / Math.max(weightOf(candidate), 1e-9);
    }
    scoreByRange(scores);
  },
};

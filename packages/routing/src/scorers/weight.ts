import type { Scorer } from "./scorer.ts";

/** Greatest configured weight first. */
export const weight: Scorer = {
  name: "weight",
  score(candidates, scores) {
    let greatest = 0;
    for (const { target } of candidates) greatest = Math.max(greatest, target.weight);
    for (const [i, { target }] of candidates.entries())
      scores[i] = greatest === 0 ? 1 : target.weight / greatest;
  },
};

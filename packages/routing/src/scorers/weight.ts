import { weightOf } from "../candidate.ts";
import type { Scorer } from "./scorer.ts";

/** Greatest weight first. */
export const weight: Scorer = {
  name: "weight",
  score(candidates, scores) {
    let greatest = 0;
    for (const candidate of candidates) greatest = Math.max(greatest, weightOf(candidate));
    for (const [i, candidate] of candidates.entries())
      scores[i] = greatest === 0 ? 1 : weightOf(candidate) / greatest;
  },
};

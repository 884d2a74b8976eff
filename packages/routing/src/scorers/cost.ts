import { scoreByRatio } from "./compare.ts";
import type { Scorer } from "./scorer.ts";

/** Output assumed of a request that states no limit. */
const usualOutputTokens = 512;

/** Cheapest first, by what this request is expected to cost: twice the price scores half. */
export const cost: Scorer = {
  name: "cost",
  score(candidates, scores, { request }) {
    const output = Math.min(request.maxOutputTokens ?? usualOutputTokens, usualOutputTokens);
    for (const [i, { target }] of candidates.entries()) {
      scores[i] = request.inputTokens * target.price.input + output * target.price.output;
    }
    scoreByRatio(scores);
  },
};

import { scoreByRatio } from "./compare.ts";
import type { Scorer } from "./scorer.ts";

/** Keeps a target that always fails comparable. */
const leastSuccess = 0.02;

/**
 * Shortest expected time to a good answer first: latency divided by the share of answers that are good.
 * A target that has not answered yet counts as the fastest known, so that it is tried.
 */
export const latency: Scorer = {
  name: "latency",
  score(candidates, scores) {
    let fastest = Number.POSITIVE_INFINITY;
    for (const { signals } of candidates) fastest = Math.min(fastest, signals.latencyMs ?? fastest);
    const unknown = fastest === Number.POSITIVE_INFINITY ? 1 : fastest;
    for (const [i, { signals }] of candidates.entries()) {
      scores[i] = Math.max(1, signals.latencyMs ?? unknown) / Math.max(leastSuccess, 1 - signals.errorRate);
    }
    scoreByRatio(scores);
  },
};

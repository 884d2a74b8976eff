import { weightOf } from "../candidate.ts";
import { shareKey } from "../hash.ts";
import type { Picker, PickInput } from "./picker.ts";

/** Totals closer than this are equal: they differ by rounding only. */
const perUnit = 1e9;

/**
 * The greatest total. Equal ones are ordered by a hash of job and target, so that equal targets share the load by
 * their weights and yet the same job gets the same order again.
 */
export const best: Picker = {
  name: "best",
  pick(input) {
    const ranks = input.totals.map((total) => Math.round(total * perUnit));
    let ties: number[] | undefined;
    const order = [...input.candidates.keys()].sort((a, b) => {
      const difference = (ranks[b] ?? 0) - (ranks[a] ?? 0);
      if (difference !== 0) return difference;
      ties ??= tieKeys(input);
      return (ties[b] ?? 0) - (ties[a] ?? 0) || a - b;
    });
    return { order, shares: sharesAmongEqual(input, ranks, order[0] ?? 0) };
  },
};

function tieKeys({ candidates, jobId }: PickInput): number[] {
  return candidates.map((candidate) => shareKey(jobId, candidate.target.id, weightOf(candidate)));
}

/** Over all job ids, how often each wins among those with the total of `first`. */
function sharesAmongEqual({ candidates }: PickInput, ranks: Float64Array, first: number): number[] {
  const weights = candidates.map((candidate, i) => (ranks[i] === ranks[first] ? weightOf(candidate) : 0));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight, i) => (sum === 0 ? Number(i === first) : weight / sum));
}

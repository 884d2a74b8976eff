import { unitHash } from "../hash.ts";
import type { Picker, PickInput } from "./picker.ts";

/** Totals closer than this are equal: they differ by rounding only. */
const perUnit = 1e9;

/**
 * The greatest total. Equal ones are ordered by a hash of job and target raised to 1/weight
 * (Efraimidis and Spirakis, A-Res), so that equal targets share the load by their weights and yet the same job
 * gets the same order again.
 */
export const best: Picker = {
  name: "best",
  pick(input) {
    const ranks = input.totals.map((total) => Math.round(total * perUnit));
    let ties: Float64Array | undefined;
    const order = [...input.candidates.keys()].sort((a, b) => {
      const difference = (ranks[b] ?? 0) - (ranks[a] ?? 0);
      if (difference !== 0) return difference;
      ties ??= tieKeys(input);
      return (ties[b] ?? 0) - (ties[a] ?? 0) || a - b;
    });
    return { order, propensity: shareAmongEqual(input, ranks, order[0] ?? 0) };
  },
};

function tieKeys({ candidates, jobId }: PickInput): Float64Array {
  return Float64Array.from(
    candidates,
    ({ target }) => unitHash(jobId, target.id) ** (1 / Math.max(target.weight, 1e-9)),
  );
}

/** Over all job ids, how often this one wins among those with its total. */
function shareAmongEqual({ candidates }: PickInput, ranks: Float64Array, first: number): number {
  let sum = 0;
  for (const [i, { target }] of candidates.entries()) if (ranks[i] === ranks[first]) sum += target.weight;
  return sum === 0 ? 1 : (candidates[first]?.target.weight ?? 0) / sum;
}

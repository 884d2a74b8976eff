import { weightOf } from "../candidate.ts";
import { byGreatest } from "../hash.ts";
import type { Picker, PickInput } from "./picker.ts";

/**
 * The first by chance, each in proportion to its total times its weight; the others follow by that product. Without
 * scorers all totals are equal, and the shares are those of the weights.
 */
export const weighted: Picker = {
  name: "weighted",
  pick(input) {
    const shares = sharesOf(input);
    let left = input.random;
    let first = shares.findLastIndex((share) => share > 0);
    for (const [i, share] of shares.entries()) {
      left -= share;
      if (left < 0) {
        first = i;
        break;
      }
    }
    return { order: [first, ...byGreatest(shares).filter((i) => i !== first)], shares };
  },
};

/** Equal ones when nobody has any weight. */
function sharesOf({ candidates, totals }: PickInput): number[] {
  const products = candidates.map((candidate, i) => Math.max(totals[i] ?? 0, 1e-9) * weightOf(candidate));
  const sum = products.reduce((all, product) => all + product, 0);
  return products.map((product) => (sum === 0 ? 1 / products.length : product / sum));
}

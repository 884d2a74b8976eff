import type { Picker } from "./picker.ts";

/**
 * The first by chance, each in proportion to its total times its weight; the others follow by that product.
 */
export const weighted: Picker = {
  name: "weighted",
  pick({ candidates, totals, random }) {
    const shares = totals.map(
      (total, i) => Math.max(total, 1e-9) * Math.max(candidates[i]?.target.weight ?? 0, 1e-9),
    );
    const sum = shares.reduce((all, share) => all + share, 0);
    let left = random * sum;
    let first = shares.length - 1;
    for (const [i, share] of shares.entries()) {
      left -= share;
      if (left < 0) {
        first = i;
        break;
      }
    }
    const others = [...candidates.keys()].filter((i) => i !== first);
    others.sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0) || a - b);
    return { order: [first, ...others], propensity: (shares[first] ?? 0) / sum };
  },
};

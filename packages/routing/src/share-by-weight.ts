import { type Candidate, weightOf } from "./candidate.ts";
import { byGreatest, shareKey } from "./hash.ts";
import type { Pick } from "./pickers/index.ts";

/** An order of candidates, and what brought it about. */
export interface SharedOrder {
  readonly order: readonly number[];
  /** Probability with which the first of `order` comes first. */
  readonly propensity: number;
  /** By index, what share of its pool's jobs a candidate gets; none where the policy decides alone. */
  readonly shares: ReadonlyMap<number, number>;
}

interface Sharing {
  readonly candidates: readonly Candidate[];
  /** Pools in which an operator has given weights. */
  readonly pools: ReadonlySet<string>;
  /** What is drawn for: the same key gets the same order again. */
  readonly key: string;
}

/**
 * Shares the jobs of a pool by the weights of its targets, whatever the policy thinks of them. The policy says which
 * places of the order the pool gets; a draw by weight says which of its targets takes the first of them, which the
 * second, and so on. A weight that grows takes no job away from its target.
 */
export function shareByWeight(picked: Pick, sharing: Sharing): SharedOrder {
  const order = [...picked.order];
  const firsts = [...picked.shares];
  const shares = new Map<number, number>();
  for (const pool of sharing.pools) {
    const members = picked.order.filter((i) => sharing.candidates[i]?.target.pool === pool);
    const places = members.map((i) => picked.order.indexOf(i));
    const ofPool = members.reduce((sum, i) => sum + (picked.shares[i] ?? 0), 0);
    for (const [n, { index, share }] of drawByWeight(members, sharing).entries()) {
      order[places[n] ?? 0] = index;
      firsts[index] = ofPool * share;
      shares.set(index, share);
    }
  }
  return { order, propensity: firsts[order[0] ?? 0] ?? 0, shares };
}

/** The members in drawn order; none when there is no weight to draw by. */
function drawByWeight(
  members: readonly number[],
  { candidates, key }: Sharing,
): { readonly index: number; readonly share: number }[] {
  const drawn = members.flatMap((index) => {
    const candidate = candidates[index];
    return candidate === undefined ? [] : [{ index, id: candidate.target.id, weight: weightOf(candidate) }];
  });
  const sum = drawn.reduce((all, { weight }) => all + weight, 0);
  if (sum === 0) return [];
  return byGreatest(drawn.map(({ id, weight }) => shareKey(key, id, weight))).flatMap((n) => {
    const { index, weight } = drawn[n] ?? { index: 0, weight: 0 };
    return [{ index, share: weight / sum }];
  });
}

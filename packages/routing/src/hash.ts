/**
 * A number in [0, 1) that depends on both texts (FNV-1a, then murmur3's finaliser to spread near-equal ids).
 * Not for secrets.
 */
function unitHash(first: string, second: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < first.length; i += 1) hash = Math.imul(hash ^ first.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ 0xff, 0x01000193);
  for (let i = 0; i < second.length; i += 1) hash = Math.imul(hash ^ second.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}

/**
 * Ranks targets for a text, greatest first: each is first for a share of all texts in proportion to its weight, and a
 * target whose weight changes moves no text between two others. The keys of Efraimidis and Spirakis (A-Res, u^(1/w)) as
 * logarithms, since small weights would underflow; without weight a target comes last.
 */
export function shareKey(text: string, targetId: string, weight: number): number {
  return weight > 0 ? Math.log(unitHash(text, targetId)) / weight : Number.NEGATIVE_INFINITY;
}

/** Indexes of these keys, greatest first; equal ones stay as they stand. */
export function byGreatest(keys: readonly number[]): number[] {
  // Two keys without weight differ by NaN.
  return [...keys.keys()].sort((a, b) => (keys[b] ?? 0) - (keys[a] ?? 0) || a - b);
}

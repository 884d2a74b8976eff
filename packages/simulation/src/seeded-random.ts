import type { Random } from "@sluice/domain";

/**
 * Numbers that are a pure function of the seed and the name of their use, so that one use does not shift another's
 * (FNV-1a of the name, then mulberry32).
 */
export function seededRandom(seed: number, use: string): Random {
  let state = seed | 0;
  for (let i = 0; i < use.length; i += 1) state = Math.imul(state ^ use.charCodeAt(i), 0x01000193);
  return {
    next() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
    },
  };
}

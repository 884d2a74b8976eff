/** Draws the next number of a stream, 0 ≤ x < 1. */
export type Random = () => number;

/**
 * A stream of numbers that is a pure function of its parts (32-bit integers).
 * The parts are stirred with MurmurHash3's finalizer, the stream is mulberry32.
 */
export function createRandom(...parts: readonly number[]): Random {
  let state = 0x9e3779b9;
  for (const part of parts) state = stir(state ^ stir(part | 0));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A draw from the standard normal distribution (Box–Muller). */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function stir(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

import { hash } from "node:crypto";

/** The custom_ids of a file with the line of each. */
export interface CustomIds {
  /** Keeps an id with its line; answers the line that had it before, and then keeps nothing. */
  add(customId: string, line: number): number | undefined;
}

const segments = 256;
/** Words of a slot: two of the hash and the line, which is 0 in an empty one. */
const words = 3;
const [firstSlots, growth, mostLoad] = [32, 1.5, 0.85];

interface Segment {
  slots: Uint32Array;
  used: number;
}

/**
 * Keeps 72 bits of each id's SHA-1 instead of the id: some 16 bytes a line, so that a million lines take no more memory
 * than a process has to spare. By chance two ids of a million lines are alike in one file of ten billion.
 */
export function createCustomIds(): CustomIds {
  const table = Array.from({ length: segments }, (): Segment => ({ slots: emptySlots(firstSlots), used: 0 }));
  return {
    add(customId, line) {
      const digest = hash("sha1", customId, "buffer");
      const segment = table[digest.readUInt8(8)] as Segment;
      const [high, low] = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
      const at = findSlot(segment.slots, high, low);
      const before = segment.slots[at + 2] as number;
      if (before !== 0) return before;
      segment.slots.set([high, low, line], at);
      segment.used += 1;
      if (segment.used > mostLoad * slotsOf(segment)) grow(segment);
      return undefined;
    },
  };
}

function emptySlots(count: number): Uint32Array {
  return new Uint32Array(count * words);
}

function slotsOf({ slots }: Segment): number {
  return slots.length / words;
}

/** Where the hash stands, or the empty slot where it belongs. */
function findSlot(slots: Uint32Array, high: number, low: number): number {
  let at = (high % (slots.length / words)) * words;
  while (slots[at + 2] !== 0 && (slots[at] !== high || slots[at + 1] !== low)) {
    at += words;
    if (at === slots.length) at = 0;
  }
  return at;
}

/** A segment at a time, so that never all of the table is there twice. */
function grow(segment: Segment): void {
  const { slots } = segment;
  const larger = emptySlots(Math.ceil(slotsOf(segment) * growth));
  for (let at = 0; at < slots.length; at += words) {
    const slot = slots.subarray(at, at + words);
    if (slot[2] !== 0) larger.set(slot, findSlot(larger, slot[0] as number, slot[1] as number));
  }
  segment.slots = larger;
}

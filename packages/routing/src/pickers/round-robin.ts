import type { Picker } from "./picker.ts";

/** One after the other, as they stand in the configuration, whatever their scores and weights. */
export const roundRobin: Picker = {
  name: "round-robin",
  pick({ candidates, turn }) {
    const count = candidates.length;
    const order = [...candidates.keys()].map((i) => (i + turn) % count);
    return { order, shares: candidates.map(() => 1 / count) };
  },
};

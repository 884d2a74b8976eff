import type { Picker } from "./picker.ts";

/** As the pools and their targets stand in the configuration: the next one only when those before cannot serve. */
export const inOrder: Picker = {
  name: "in-order",
  pick: ({ candidates }) => ({
    order: [...candidates.keys()],
    shares: candidates.map((_, i) => Number(i === 0)),
  }),
};

import { best } from "./best.ts";
import { inOrder } from "./in-order.ts";
import type { Picker } from "./picker.ts";
import { roundRobin } from "./round-robin.ts";
import { weighted } from "./weighted.ts";

export type { Pick, Picker, PickInput } from "./picker.ts";

/** Every picker by the name that a policy uses. */
export const pickers: ReadonlyMap<string, Picker> = new Map(
  [best, weighted, roundRobin, inOrder].map((picker) => [picker.name, picker]),
);

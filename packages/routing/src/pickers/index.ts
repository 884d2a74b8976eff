import { best } from "./best.ts";
import type { Picker } from "./picker.ts";
import { weighted } from "./weighted.ts";

export type { Picker } from "./picker.ts";

/** Every picker by the name that a policy uses. */
export const pickers: ReadonlyMap<string, Picker> = new Map(
  [best, weighted].map((picker) => [picker.name, picker]),
);

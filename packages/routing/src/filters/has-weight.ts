import type { Filter } from "./filter.ts";

/** Soft: a target that an operator gave the weight 0 is left out only while another candidate remains. */
export const hasWeight: Filter = {
  name: "has-weight",
  reject: ({ signals }) => (signals.weight === 0 ? "was given the weight 0 by an operator" : undefined),
};

import type { Filter } from "./filter.ts";

/**
 * No operator may have taken the target out.
 * Among the last of the hard filters: a candidate that it drops could serve the request later, see `reopensAt`.
 */
export const inService: Filter = {
  name: "in-service",
  reject({ signals }) {
    return signals.operated === undefined ? undefined : `was taken out by an operator (${signals.operated})`;
  },
};

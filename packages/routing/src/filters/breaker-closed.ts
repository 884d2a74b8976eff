import type { Filter } from "./filter.ts";

/**
 * The target's breaker must not be open. A half-open one stays: the reservation decides whose call probes it.
 * Among the last of the hard filters: a candidate that it drops could serve the request later, see `reopensAt`.
 */
export const breakerClosed: Filter = {
  name: "breaker-closed",
  reject({ signals }, { now }) {
    if (signals.breaker !== "open") return undefined;
    return `has failed too often and is left alone for another ${Math.max(0, (signals.reopensAt ?? now) - now)} ms`;
  },
};

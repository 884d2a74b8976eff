import type { Filter } from "./filter.ts";

/**
 * The target must not be paused.
 * The last of the hard filters: a candidate that it drops could serve the request later, see `reopensAt`.
 */
export const notPaused: Filter = {
  name: "not-paused",
  reject({ signals }, { now }) {
    return signals.pausedUntil > now ? `is paused for another ${signals.pausedUntil - now} ms` : undefined;
  },
};

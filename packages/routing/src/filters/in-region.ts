import type { Filter } from "./filter.ts";

/** A target whose region is unknown is in no region. */
export const inRegion: Filter = {
  name: "in-region",
  reject({ target }, { request }) {
    const wanted = request.wishes.region;
    if (wanted === undefined || target.region === wanted) return undefined;
    return `is in ${target.region ?? "no stated region"}, not in ${wanted}`;
  },
};

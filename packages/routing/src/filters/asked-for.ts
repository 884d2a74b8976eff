import type { Filter } from "./filter.ts";

/** The pools and targets that the request names or excludes. */
export const askedFor: Filter = {
  name: "asked-for",
  reject({ target }, { request: { wishes } }) {
    if (wishes.pools !== undefined && !wishes.pools.includes(target.pool))
      return "its pool was not asked for";
    if (wishes.targets !== undefined && !wishes.targets.includes(target.id)) return "was not asked for";
    if (wishes.exclude?.includes(target.id)) return "was excluded by the request";
    return undefined;
  },
};

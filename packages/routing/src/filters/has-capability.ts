import type { Filter } from "./filter.ts";

/** A target that states capabilities must state every one that the request needs. */
export const hasCapability: Filter = {
  name: "has-capability",
  reject({ target }, { request }) {
    if (target.capabilities.length === 0) return undefined;
    for (const capability of request.capabilities) {
      if (!target.capabilities.includes(capability)) return `does not state ${capability}`;
    }
    return undefined;
  },
};

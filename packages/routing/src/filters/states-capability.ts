import type { Filter } from "./filter.ts";

/** Soft: a target that states no capabilities at all is left out only while one remains that states what is needed. */
export const statesCapability: Filter = {
  name: "states-capability",
  reject: ({ target }, { request }) =>
    request.capabilities.length > 0 && target.capabilities.length === 0
      ? "states no capabilities"
      : undefined,
};

import type { Filter } from "./filter.ts";

/** Soft: a target that has failed this job is left out only while another candidate remains, fallbacks included. */
export const notFailedBefore: Filter = {
  name: "not-failed-before",
  reject: ({ target }, { request }) =>
    request.failedTargets.includes(target.id) ? "failed this job before" : undefined,
};

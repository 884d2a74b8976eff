import type { Filter } from "./filter.ts";

/** Prompt (as estimated) and the stated most of output must fit into the context window together. */
export const fitsContext: Filter = {
  name: "fits-context",
  reject({ target }, { request }) {
    const needed = request.inputTokens + (request.maxOutputTokens ?? 0);
    return needed <= target.contextWindow
      ? undefined
      : `needs ${needed} tokens of context, has ${target.contextWindow}`;
  },
};

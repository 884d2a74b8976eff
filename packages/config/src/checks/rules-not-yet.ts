import type { Check } from "./check.ts";

/** Refuses what would otherwise be ignored; to be deleted with its mention in checks/index.ts when rules are evaluated. */
export const checkRulesNotYet: Check = (outline) =>
  outline.models
    .filter((model) => model.hasRules)
    .map((model) => ({
      path: [...model.path, "rules"],
      says: "cannot be used: rules are not supported yet, remove them",
      at: "key",
    }));

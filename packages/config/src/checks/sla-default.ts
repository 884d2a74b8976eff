import { formatPath } from "../config-error.ts";
import type { Check } from "./check.ts";

/** Exactly one SLA class is the default. */
export const checkSlaDefault: Check = (outline) => {
  const [first, ...others] = outline.slaClasses.filter((slaClass) => slaClass.isDefault);
  if (first === undefined) {
    if (!outline.hasSlaClasses) return [];
    return [
      { path: ["sla_classes"], says: "has no default class: write default: true in one of them", at: "key" },
    ];
  }
  return others.map((other) => ({
    path: [...other.path, "default"],
    says: `makes a second default class beside ${formatPath(first.path)}: keep one`,
    at: "key",
  }));
};

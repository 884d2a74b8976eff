import type { z } from "zod";
import type { ConfigPath, Finding } from "../config-error.ts";
import { mustNotBeEmpty } from "../schema/scalars.ts";
import type { Places } from "../yaml/places.ts";
import { describeValue } from "./describe-value.ts";
import { nearestName, suggestName } from "./nearest-name.ts";

type Issue = z.core.$ZodIssue;

/** Turns one of zod's issues into findings: what must be, what was found, and what was probably meant. */
export function explainIssue(issue: Issue, root: unknown, places: Places): readonly Finding[] {
  const path = issue.path as ConfigPath;
  if (issue.code === "unrecognized_keys") return explainUnknownKeys(issue, path);
  const says = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  if (issue.code === "invalid_key") return [{ path, says, at: "key" }];
  const value = valueAt(root, path);
  if (value === undefined || says.startsWith("is required")) return [{ path, says, at: "value" }];
  if (says === mustNotBeEmpty) return [{ path, says, at: "value" }];
  const got = `, got ${describeValue(path, value, places.get(path))}`;
  return [{ path, says: `${says}${got}${meant(issue, value)}`, at: "value" }];
}

function explainUnknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: ConfigPath): readonly Finding[] {
  const known = JSON.parse(issue.message) as string[];
  return issue.keys.map((key) => ({
    path: [...path, key],
    says: `: unknown key ${JSON.stringify(key)}${suggestName(key, known)}`,
    at: "key",
  }));
}

function meant(issue: Issue, value: unknown): string {
  if (typeof value !== "string") return "";
  const nearest = nearestName(value, namesOf(issue));
  return nearest === undefined ? "" : `, did you mean ${JSON.stringify(nearest)}?`;
}

function namesOf(issue: Issue): readonly string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  const isKind = issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options);
  return isKind ? (issue.options as unknown[]).map(String) : [];
}

function valueAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((value, step) => {
    const isInside = typeof value === "object" && value !== null && Object.hasOwn(value, step);
    return isInside ? (value as Record<string | number, unknown>)[step] : undefined;
  }, root);
}

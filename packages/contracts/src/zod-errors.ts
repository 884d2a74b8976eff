import { type ErrorCode, SluiceError } from "@sluice/domain";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;

const longestName = 64;

/** Turns the first finding of zod into the error that the caller sees; `param` is the path of the field. */
export function errorFromIssues(issues: readonly Issue[], value: unknown): SluiceError {
  const issue = issues[0];
  if (issue === undefined) return new SluiceError("invalid_request", "The request is not valid.");
  if (issue.code === "unrecognized_keys") {
    const param = pathOf([...issue.path, issue.keys[0] ?? ""]);
    return new SluiceError("unknown_parameter", `Unknown parameter: '${param}'.`, { param });
  }
  const param = pathOf(issue.path);
  if (isMissing(issue, value)) {
    return new SluiceError("missing_required_parameter", `Missing required parameter: '${param}'.`, {
      param,
    });
  }
  const code: ErrorCode = param === "" ? "invalid_request" : "invalid_value";
  const subject = param === "" ? "The request body" : `'${param}'`;
  return new SluiceError(
    code,
    `${subject} is not valid: ${lowerFirst(issue.message)}.`,
    param === "" ? {} : { param },
  );
}

/** Parses `value`, or throws the {@link SluiceError} of its first fault. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw errorFromIssues(result.error.issues, value);
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? nameOf(part) : `${text}.${nameOf(part)}`,
    "",
  );
}

/** A key that the caller chose: cut short, it may be as long as a prompt. */
function nameOf(part: PropertyKey): string {
  const name = String(part);
  return name.length <= longestName ? name : `${name.slice(0, longestName)}…`;
}

function isMissing(issue: Issue, value: unknown): boolean {
  if (issue.path.length === 0) return false;
  let at: unknown = value;
  for (const part of issue.path) {
    if (typeof at !== "object" || at === null) return false;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at === undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

import { type ApiError, apiError } from "../api-error.ts";
import type { Body } from "./plan.ts";

/** What a field must be if it is given and not null. */
export interface FieldRule {
  readonly name: string;
  readonly type: "integer" | "number" | "boolean" | "string";
  readonly min?: number;
  readonly max?: number;
}

/** The first field that breaks its rule, as OpenAI says it. */
export function checkFields(body: Body, rules: readonly FieldRule[]): ApiError | undefined {
  for (const rule of rules) {
    const value = body[rule.name];
    if (value === undefined || value === null) continue;
    const wrong = checkField(value, rule);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** `Missing required parameter`. */
export function missing(param: string): ApiError {
  return apiError(400, `Missing required parameter: '${param}'.`, {
    param,
    code: "missing_required_parameter",
  });
}

/** `Invalid type for`. */
export function invalidType(param: string, wanted: string, value: unknown): ApiError {
  const message = `Invalid type for '${param}': expected ${wanted}, but got ${nameType(value)} instead.`;
  return apiError(400, message, { param, code: "invalid_type" });
}

/** `Invalid …: empty array`. */
export function emptyArray(param: string): ApiError {
  const message = `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
  return apiError(400, message, { param, code: "empty_array" });
}

/** Reads a model name, which every endpoint but moderations asks for. */
export function checkModel(body: Body): ApiError | undefined {
  if (body["model"] === undefined)
    return apiError(400, "you must provide a model parameter", { param: "model" });
  return typeof body["model"] === "string" ? undefined : invalidType("model", "a string", body["model"]);
}

/** A number of the body, or the value for "not given". */
export function readNumber(body: Body, name: string, otherwise: number): number {
  const value = body[name];
  return typeof value === "number" ? value : otherwise;
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkField(value: unknown, { name, type, min, max }: FieldRule): ApiError | undefined {
  if (type === "boolean" || type === "string") {
    return typeof value === type ? undefined : invalidType(name, `a ${type}`, value);
  }
  if (typeof value !== "number")
    return invalidType(name, type === "integer" ? "an integer" : "a number", value);
  if (type === "integer" && !Number.isInteger(value)) return invalidType(name, "an integer", value);
  if (min !== undefined && value < min)
    return outOfRange(name, type, { edge: "below_min", bound: `>= ${min}`, value });
  if (max !== undefined && value > max)
    return outOfRange(name, type, { edge: "above_max", bound: `<= ${max}`, value });
  return undefined;
}

function outOfRange(
  param: string,
  type: "integer" | "number",
  { edge, bound, value }: { edge: "below_min" | "above_max"; bound: string; value: number },
): ApiError {
  const [noun, word] = type === "integer" ? ["integer", "integer"] : ["decimal", "decimal"];
  const message = `Invalid '${param}': ${word} ${edge.replace("_", " ")} value. Expected a value ${bound}, but got ${value} instead.`;
  return apiError(400, message, { param, code: `${noun}_${edge}_value` });
}

function nameType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal number";
  if (typeof value === "object") return "an object";
  return `a ${typeof value}`;
}

import type { CountTokens } from "../tokenizer.ts";

/** Texts, or lists of token numbers, as `prompt` and `input` may hold them. */
export type Inputs = readonly (string | readonly number[])[];

/** Reads a string, a list of strings, a list of tokens or a list of such lists; undefined for anything else. */
export function readInputs(value: unknown): Inputs | undefined {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return undefined;
  if (value.length > 0 && isTokens(value)) return [value];
  return value.every((one) => typeof one === "string" || isTokens(one)) ? (value as Inputs) : undefined;
}

/** Tokens of all inputs together. */
export function countInputs(inputs: Inputs, countTokens: CountTokens): number {
  return inputs.reduce(
    (total, input) => total + (typeof input === "string" ? countTokens(input) : input.length),
    0,
  );
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isInteger(one));
}

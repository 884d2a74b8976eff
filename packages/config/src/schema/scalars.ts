import { isIP } from "node:net";
import { z } from "zod";
import { durationPattern, parseDuration, parseSize, sizePattern } from "./durations-and-sizes.ts";

/**
 * The error of one field: `is required` when it is missing, else what it must be. The sentence stands after the
 * field's path and before what was found.
 */
export function says(expectation: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => (issue.input === undefined ? "is required" : expectation) };
}

/** Needs no word about what was found. */
export const mustNotBeEmpty = "must not be empty";

/** A mapping whose unknown keys are errors. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    // An unknown key's message only carries the known names to explain-issue.ts, which has to choose among them.
    error: (issue) =>
      issue.code === "unrecognized_keys" ? JSON.stringify(known) : says("must be a mapping").error(issue),
  });
}

/** A mapping from names the user chooses. */
export function named<Value extends z.core.SomeType>(value: Value) {
  return z.record(name(), value, says("must be a mapping of names"));
}

/** Like `named`, with at least one entry. */
export function someNamed<Value extends z.core.SomeType>(value: Value) {
  return named(value).refine((entries) => Object.keys(entries).length > 0, { error: mustNotBeEmpty });
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._/@+-]{0,127}$/;

/** Names become parts of queue names, Redis keys and URLs: no colon, brace, blank or control character. */
export function name() {
  const expectation =
    "must be a name of letters, digits and . _ - / @ + (at most 128, a letter or digit first)";
  return z.string(says(expectation)).regex(namePattern, says(expectation));
}

export function text() {
  return z.string(says("must be a text")).min(1, { error: mustNotBeEmpty });
}

export function positiveInteger() {
  const expectation = "must be a positive integer";
  return z.int(says(expectation)).positive(says(expectation));
}

export function positiveNumber() {
  const expectation = "must be a number above zero";
  return z.number(says(expectation)).positive(says(expectation));
}

export function zeroOrMore() {
  const expectation = "must be a number of zero or more";
  return z.number(says(expectation)).nonnegative(says(expectation));
}

export function numberBetween(low: number, high: number) {
  const expectation = `must be a number from ${low} to ${high}`;
  return z.number(says(expectation)).min(low, says(expectation)).max(high, says(expectation));
}

export function integerBetween(low: number, high: number) {
  const expectation = `must be an integer from ${low} to ${high}`;
  return z.int(says(expectation)).min(low, says(expectation)).max(high, says(expectation));
}

export function flag() {
  return z.boolean(says("must be true or false"));
}

export function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, says(`must be ${names.length === 1 ? "" : "one of "}${names.join(", ")}`));
}

/** A duration; parsed to milliseconds. */
export function duration() {
  const expectation = "must be a duration like 500ms, 30s, 15m, 24h or 30d";
  return z
    .string(says(expectation))
    .regex(durationPattern, says(expectation))
    .refine((value) => parseDuration(value) !== 0, { error: "must be a duration above zero" })
    .transform((value) => parseDuration(value) ?? 0);
}

/** A size; parsed to bytes. */
export function size() {
  const expectation = "must be a size like 16MB or 200MB, or a number of bytes";
  const written = z
    .string()
    .regex(sizePattern, says(expectation))
    .transform((value) => parseSize(value) ?? 0);
  return z
    .union([z.int().positive(says(expectation)), written], says(expectation))
    .refine((bytes) => bytes > 0, says(expectation));
}

/** An http(s) address without credentials; a trailing slash is dropped. */
export function url() {
  return z
    .string(says("must be an http or https URL"))
    .refine(isHttpUrl, { error: "must be an http or https URL", abort: true })
    .refine(hasNoUserInfo, { error: "must not carry a user name or password: use api_key" })
    .transform((value) => value.replace(/\/+$/, ""));
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

function hasNoUserInfo(value: string): boolean {
  const { username, password } = new URL(value);
  return username === "" && password === "";
}

/** A network in CIDR notation. */
export function network() {
  const expectation = "must be a network like 10.0.0.0/8 or fd00::/8";
  return z.string(says(expectation)).refine(isNetwork, says(expectation));
}

function isNetwork(value: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(value) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}

/** A list of one kind of thing. */
export function list<Item extends z.core.SomeType>(item: Item) {
  return z.array(item, says("must be a list"));
}

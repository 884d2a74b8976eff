import { expect, it } from "vitest";
import { parseRetryAfter } from "./retry-after.ts";

const now = Date.parse("Fri, 31 Dec 1999 23:59:00 GMT");

it.each([
  ["120", 120_000],
  [" 0 ", 0],
  ["Fri, 31 Dec 1999 23:59:59 GMT", 59_000],
  ["Fri, 31 Dec 1999 23:00:00 GMT", 0],
  ["-1", undefined],
  ["1.5", undefined],
  ["soon", undefined],
  ["", undefined],
  [undefined, undefined],
])("reads Retry-After %j as %j ms", (value, ms) => {
  expect(parseRetryAfter(value, now)).toBe(ms);
});

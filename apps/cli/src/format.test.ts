import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { duration, rate, shellWord, table, usd } from "./format.ts";

test("durations are told in the two largest units that matter", () => {
  expect([0, 1, 59_000, 60_000, 123_000, 3_900_000].map(duration)).toEqual([
    "0 s",
    "1 s",
    "59 s",
    "1 min 0 s",
    "2 min 3 s",
    "1 h 5 min",
  ]);
});

test("a slow rate is told by the minute", () => {
  expect([0, 38.25, 1, 0.2].map(rate)).toEqual(["0.0/s", "38.3/s", "1.0/s", "12.0/min"]);
});

test("small sums keep four places", () => {
  expect([0, 0.00514, 12.345, 1234.5].map(usd)).toEqual(["$0.0000", "$0.0051", "$12.35", "$1,234.50"]);
});

test("a shell reads a quoted word as the text it was made from", () => {
  for (const text of ["/plain/path", "/with space/it's", "$(id)", "a;b", '"', "*"]) {
    expect(execFileSync("sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" })).toBe(text);
  }
});

test("columns of a table line up and lines end without spaces", () => {
  expect(
    table([
      ["a", "bb", ""],
      ["ccc", "d", ""],
    ]),
  ).toBe("a    bb\nccc  d");
  expect(table([])).toBe("");
});

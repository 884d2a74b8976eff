import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { anthropicCalls, type ClientCall, openaiCalls } from "./sdk/kit/calls.ts";

const areas: [string, readonly ClientCall[]][] = [
  ...Object.entries(openaiCalls),
  ...Object.entries(anthropicCalls),
];

test("the table of the documentation has the calls that the tests make", () => {
  const page = readFileSync(new URL("../../docs/sdk-conformance.md", import.meta.url), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.replaceAll("`", "").trim()),
    );
  const expected = areas.flatMap(([area, calls]) =>
    calls.map(({ call, http, onlyNewer, notes }) => [
      call,
      http,
      `${area}${onlyNewer ? ", newer only" : ""}`,
      notes ?? "",
    ]),
  );
  expect(rows).toEqual(expected);
});

test("each area of the table has a test file that checks that its calls were made", () => {
  for (const [area] of areas) {
    const name = area.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const file = new URL(`sdk/${name}.test.ts`, import.meta.url);
    expect(existsSync(file), name).toBe(true);
    expect(readFileSync(file, "utf8")).toMatch(
      new RegExp(`missing\\((?:openai|anthropic)Calls\\.${area}\\)`),
    );
  }
});

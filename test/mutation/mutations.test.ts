import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { mutated } from "./mutate.ts";
import { mutations } from "./mutations.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test.each(mutations)("$script still has what this changes: $name", (mutation) => {
  expect(() => mutated(root, mutation)).not.toThrow();
});

test("what does not stand there is an error that says so", () => {
  const none = { name: "none", script: "renew", from: "no such line", to: "" };
  expect(() => mutated(root, none)).toThrow('"none": renew.lua has "no such line" 0 times');
});

test("the record of the last run names each mutation", () => {
  const record = readFileSync(new URL("../../docs/mutations.md", import.meta.url), "utf8");
  expect(mutations.filter(({ name }) => !record.includes(`| ${name} `)).map(({ name }) => name)).toEqual([]);
});

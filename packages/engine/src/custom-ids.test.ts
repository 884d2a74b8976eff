import { expect, test } from "vitest";
import { createCustomIds } from "./custom-ids.ts";

test("tells the line of an id that came before, also among many", () => {
  const ids = createCustomIds();
  const count = 60_000;
  for (let line = 1; line <= count; line += 1) expect(ids.add(`row-${line}`, line)).toBeUndefined();
  for (const line of [1, 2, 777, 31_000, count]) expect(ids.add(`row-${line}`, count + line)).toBe(line);
  expect(ids.add("row-0", count + 1)).toBeUndefined();
  expect(ids.add("row-0", count + 2)).toBe(count + 1);
});

test("tells ids apart that differ in one character, whatever it is", () => {
  const ids = createCustomIds();
  const odd = ["", " ", "a", "A", "ä", "a\u0000", "__proto__", "constructor", "💡", "x".repeat(512)];
  for (const [index, id] of odd.entries()) expect(ids.add(id, index + 1)).toBeUndefined();
  for (const [index, id] of odd.entries()) expect(ids.add(id, 99)).toBe(index + 1);
});

import { expect, test } from "vitest";
import { limitErrors } from "./limit-errors.ts";

function setup() {
  let now = 0;
  const seen: [string, number][] = [];
  const report = limitErrors((error, withheld) => seen.push([error.message, withheld]), {
    everyMs: 1_000,
    now: () => now,
  });
  return {
    seen,
    report: (message: string) => report(new Error(message)),
    advance: (ms: number) => (now += ms),
  };
}

test("passes on the first of a kind and withholds the rest of the second", () => {
  const { seen, report } = setup();
  for (let round = 0; round < 500; round += 1) report(`connect ECONNREFUSED 127.0.0.1:6379 (${round})`);
  report("OOM command not allowed");
  expect(seen).toEqual([
    ["connect ECONNREFUSED 127.0.0.1:6379 (0)", 0],
    ["OOM command not allowed", 0],
  ]);
});

test("says later how many were withheld", () => {
  const { seen, report, advance } = setup();
  report("gone");
  report("gone");
  report("gone");
  advance(1_000);
  report("gone");
  expect(seen).toEqual([
    ["gone", 0],
    ["gone", 2],
  ]);
});

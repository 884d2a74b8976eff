import { expect, test } from "vitest";
import { nextHealth, unchecked } from "./next-health.ts";

/** The verdicts after each of these checks: `+` passed, `-` failed. */
function verdicts(checks: string, thresholds = { healthyAfter: 2, unhealthyAfter: 3 }): string {
  let health = unchecked;
  let said = "";
  for (const [n, check] of [...checks].entries()) {
    health = nextHealth(health, { passed: check === "+", checkedAt: n + 1 }, thresholds);
    said += health.ok ? "+" : "-";
  }
  return said;
}

test.each([
  ["+", "+", "the very first pass is enough"],
  ["--+", "--+", "also after failures"],
  ["+--+--+", "+++++++", "fewer failures in a row than stated change nothing"],
  ["+---", "+++-", "as many take it out"],
  ["+---+-++", "+++----+", "as many passes in a row as stated bring it back"],
  ["+---++---", "+++--+++-", "and it starts anew"],
])("%s is %s: %s", (checks, expected) => {
  expect(verdicts(checks)).toBe(expected);
});

test("with thresholds of 1 each check decides", () => {
  expect(verdicts("+-+-", { healthyAfter: 1, unhealthyAfter: 1 })).toBe("+-+-");
});

test("says when the last check ended, when one passed last, and how many went the same way", () => {
  const thresholds = { healthyAfter: 2, unhealthyAfter: 3 };
  const passed = nextHealth(unchecked, { passed: true, checkedAt: 5 }, thresholds);
  expect(passed).toEqual({ ok: true, checkedAt: 5, passedAt: 5, failures: 0, passes: 1 });
  expect(nextHealth(passed, { passed: false, checkedAt: 9 }, thresholds)).toEqual({
    ok: true,
    checkedAt: 9,
    passedAt: 5,
    failures: 1,
    passes: 0,
  });
});

import { expect, test } from "vitest";
import { runTestSuite } from "../../scripts/checks/spawn-check.ts";
import { exitCodeOf, summaryLine, sumTallies } from "../../scripts/checks/tally.ts";
import { plantTree } from "./planted-tree.ts";

const config = `export default { test: { globals: true, projects: [
  { extends: true, test: { name: "mixed", include: ["mixed/*.test.ts"] } },
  { extends: true, test: { name: "empty", include: ["empty/*.test.ts"] } },
  { extends: true, test: { name: "crash", include: ["mixed/*.test.ts"], globalSetup: ["crash.ts"] } },
] } };\n`;

const files = {
  "vitest.config.ts": config,
  "crash.ts": "export const setup = () => process.kill(process.pid, 'SIGKILL');\n",
  "mixed/a.test.ts": [
    "test('holds', () => {});",
    "test('breaks', () => { throw new Error('as planted'); });",
    "test('waits for a reason', (context) => context.skip('needs the moon'));",
    "test.skip('says nothing', () => {});",
    "describe('behind a broken hook', () => { beforeAll(() => { throw new Error('as planted'); }); test('never runs', () => {}); });",
  ].join("\n"),
  "mixed/does-not-load.test.ts": "import './nowhere.ts';\ntest('never seen', () => {});\n",
  "mixed/stray.test.ts":
    "test('leaves a rejection behind', () => { void Promise.reject(new Error('stray as planted')); });\n",
};

test("counts passed, failing and skipped tests, broken hooks, files that do not load, and stray rejections", async () => {
  using tree = plantTree(files);
  const tally = await runTestSuite("mixed", tree.root, "kept");
  expect(tally.passed).toBe(2);
  expect(tally.failed.sort()).toEqual([
    "mixed/a.test.ts > behind a broken hook",
    "mixed/a.test.ts > breaks",
    "mixed/does-not-load.test.ts",
    "outside of any test: stray as planted",
  ]);
  expect(tally.skipped).toContainEqual({
    test: "mixed/a.test.ts > waits for a reason",
    reason: "needs the moon",
  });
  expect(tally.skipped).toContainEqual({ test: "mixed/a.test.ts > says nothing", reason: "no reason given" });
});

test("fails a suite without tests, and one whose process dies", async () => {
  using tree = plantTree(files);
  const empty = await runTestSuite("empty", tree.root, "kept");
  const crash = await runTestSuite("crash", tree.root, "kept");
  expect(empty.failed).toHaveLength(1);
  expect(crash.failed).toHaveLength(1);
});

test("fails when anything failed or nothing ran, and sums up in one line", () => {
  const skipped = [{ test: "a", reason: "b" }];
  const sum = sumTallies([
    { passed: 2, failed: [], skipped },
    { passed: 1, failed: ["x"], skipped: [] },
  ]);
  expect(summaryLine(sum)).toBe("3 passed, 1 failed, 1 skipped");
  expect(exitCodeOf(sum)).toBe(1);
  expect(exitCodeOf({ passed: 0, failed: [], skipped })).toBe(1);
  expect(exitCodeOf({ passed: 1, failed: [], skipped })).toBe(0);
});

import { writeFileSync } from "node:fs";
import type { SerializedError } from "vitest";
import { type Reporter, startVitest, type TestCase, type TestModule } from "vitest/node";
import type { Tally } from "./tally.ts";

/** Why a test did not run: its own words, or where it was switched off. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === "skipped" && result.note !== undefined) return result.note;
  if (test.options.mode === "todo") return "to do";
  return test.options.mode === "skip" ? "no reason given" : "a hook before it failed";
}

function tallyTest(tally: Tally, test: TestCase): void {
  const name = `${test.module.relativeModuleId} > ${test.fullName}`;
  const { state } = test.result();
  if (state === "passed") tally.passed += 1;
  else if (state === "skipped") tally.skipped.push({ test: name, reason: reasonOf(test) });
  else tally.failed.push(state === "failed" ? name : `${name} (did not finish)`);
}

/** Counts a failed hook or a file that does not load as a failure of its own: no test in it may have run. */
function tallyModule(tally: Tally, module: TestModule): void {
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  if (module.errors().length > 0) tally.failed.push(module.relativeModuleId);
  for (const suite of suites) tally.failed.push(`${module.relativeModuleId} > ${suite.fullName}`);
  for (const test of module.children.allTests()) tallyTest(tally, test);
}

function tallyRun(modules: readonly TestModule[], stray: readonly SerializedError[]): Tally {
  const tally: Tally = { passed: 0, failed: [], skipped: [] };
  for (const module of modules) tallyModule(tally, module);
  for (const error of stray) tally.failed.push(`outside of any test: ${error.message}`);
  return tally;
}

/**
 * Runs one vitest project and writes its Tally as JSON to `report`.
 * In a process of its own, so that a suite which brings its process down is still counted as failed.
 */
async function runSuite(suite: string, report: string, root: string): Promise<void> {
  const counter: Reporter = {
    onTestRunEnd: (modules, stray) => writeFileSync(report, JSON.stringify(tallyRun(modules, stray))),
  };
  const vitest = await startVitest([], {
    root,
    project: [suite],
    run: true,
    watch: false,
    reporters: ["default", counter],
  });
  await vitest.close();
}

if (import.meta.main) {
  const [suite, report, root = process.cwd()] = process.argv.slice(2);
  if (suite === undefined || report === undefined) throw new Error("usage: run-suite.ts SUITE REPORT [ROOT]");
  await runSuite(suite, report, root);
}

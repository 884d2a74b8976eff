import { runStaticCheck, runTestSuite, type StaticCheck } from "./checks/spawn-check.ts";
import { exitCodeOf, summaryLine, sumTallies, type Tally } from "./checks/tally.ts";

/** Cheapest first: what fails early fails fast. */
const staticChecks: readonly StaticCheck[] = [
  {
    name: "format and lint (biome)",
    command: ["node_modules/@biomejs/biome/bin/biome", "ci", "--colors=off", "--error-on-warnings"],
  },
  { name: "types (tsc)", command: ["node_modules/typescript/bin/tsc", "--noEmit"] },
  {
    name: "promises and exhaustive switches (eslint)",
    command: ["node_modules/eslint/bin/eslint.js", "--max-warnings=0", "."],
  },
  { name: "imports stay on their floors (dependency-cruiser)", command: ["scripts/check-boundaries.ts"] },
  { name: "no dead files or dependencies (knip)", command: ["node_modules/knip/bin/knip.js"] },
];

const suites = ["unit", "architecture", "servers", "e2e", "conformance"] as const;
const choices = ["lint", ...suites];

interface Step {
  name: string;
  run: () => Promise<Tally>;
}

function chooseSteps(chosen: readonly string[]): Step[] {
  const wanted = new Set(chosen.length > 0 ? chosen : choices);
  const lint = staticChecks.map((check) => ({ name: check.name, run: () => runStaticCheck(check) }));
  const tests = suites.filter((suite) => wanted.has(suite));
  return [
    ...(wanted.has("lint") ? lint : []),
    ...tests.map((suite) => ({ name: `${suite} tests`, run: () => runTestSuite(suite) })),
  ];
}

/** Prints each step as it ends, then the list of failures and skips, then the summary as the last line. */
async function runChecks(steps: readonly Step[]): Promise<Tally> {
  const lines: string[] = [];
  const tallies: Tally[] = [];
  for (const { name, run } of steps) {
    console.log(`\n── ${name}`);
    const tally = await run();
    tallies.push(tally);
    const mark = tally.failed.length === 0 ? "✓" : "✗";
    lines.push(`${mark} ${name}: ${summaryLine(tally)}`);
    console.log(lines.at(-1));
  }
  const sum = sumTallies(tallies);
  console.log(`\n${lines.join("\n")}`);
  for (const failure of sum.failed) console.log(`failed: ${failure}`);
  for (const { test, reason } of sum.skipped) console.log(`skipped: ${test} (${reason})`);
  return sum;
}

async function main(chosen: readonly string[]): Promise<void> {
  const unknown = chosen.filter((choice) => !choices.includes(choice));
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(", ")}. Choose from: ${choices.join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const tally = await runChecks(chooseSteps(chosen));
  process.exitCode = exitCodeOf(tally);
  console.log(summaryLine(tally));
}

await main(process.argv.slice(2));

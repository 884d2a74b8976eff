// `npm run mutate [-- PART OF A NAME]`: makes the capacity scripts wrong in one place at a time, in a copy of the
// checkout, and says which tests notice. Ends with 1 when one of them goes unnoticed.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mutated, scriptPath } from "./mutate.ts";
import { type Mutation, mutations } from "./mutations.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** So many tests are named for each mutation. */
const mostNamed = 3;

const wanted = process.argv[2] ?? "";
const chosen = mutations.filter(({ name, script }) => `${script} ${name}`.includes(wanted));
if (chosen.length === 0) fail(`no mutation is named like "${wanted}"`);
process.exitCode = (await run(chosen)) ? 0 : 1;

async function run(all: readonly Mutation[]): Promise<boolean> {
  const copy = copyTree();
  try {
    const untouched = await failingTests(copy);
    if (untouched.length > 0) fail(`red before anything is changed: ${untouched.join("; ")}`);
    process.stdout.write("| script | made wrong | tests that go red |\n|---|---|---|\n");
    let unnoticed = 0;
    for (const mutation of all) {
      const killers = await killersOf(copy, mutation);
      if (killers.length === 0) unnoticed += 1;
      const named = killers.length === 0 ? "**none**" : killers.join("; ");
      process.stdout.write(`| ${mutation.script} | ${mutation.name} | ${named} |\n`);
    }
    process.stdout.write(`\n${all.length - unnoticed} of ${all.length} noticed\n`);
    return unnoticed === 0;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** A copy in which scripts can be changed; the installed packages are shared with the checkout. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "sluice-mutate-"));
  for (const part of [
    "packages",
    "test",
    "package.json",
    "pnpm-workspace.yaml",
    "tsconfig.json",
    "vitest.config.ts",
  ])
    cpSync(join(root, part), join(copy, part), { recursive: true, verbatimSymlinks: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

async function killersOf(copy: string, mutation: Mutation): Promise<readonly string[]> {
  const path = scriptPath(copy, mutation);
  const original = readFileSync(path, "utf8");
  writeFileSync(path, mutated(copy, mutation));
  try {
    return await failingTests(copy);
  } finally {
    writeFileSync(path, original);
  }
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[];
  }[];
}

/**
 * The first tests of the capacity package that fail on real servers. The comparison with the copy in memory is not
 * among them: it would notice every change, also one that breaks no promise.
 */
async function failingTests(copy: string): Promise<readonly string[]> {
  const output = join(copy, "report.json");
  rmSync(output, { force: true });
  const folder = join("packages", "capacity", "src");
  const files = readdirSync(join(copy, folder)).filter((name) => name.endsWith(".server.test.ts"));
  const args = ["run", "--project", "servers", ...files.map((name) => join(folder, name))];
  await vitest(copy, [...args, "--bail", String(mostNamed), "--reporter", "json", "--outputFile", output]);
  const { testResults } = JSON.parse(readFileSync(output, "utf8")) as Report;
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === "failed").map(({ title }) => title),
  );
  return [...new Set(failed)].slice(0, mostNamed);
}

function vitest(copy: string, args: readonly string[]): Promise<void> {
  const entry = join(copy, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: copy,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "..");

export interface Boundaries {
  /** Files that were read. Zero means that the check saw nothing, which is a failure and not a success. */
  modules: number;
  /** One line for each forbidden import: rule, from, to. */
  violations: string[];
}

interface CruiseReport {
  summary: { totalCruised: number; violations: { rule: { name: string }; from: string; to: string }[] };
}

/**
 * Reads every import under `root` and holds it against the floors in `.dependency-cruiser.cjs`.
 * The command is spawned, because dependency-cruiser takes its root from the working directory.
 * Throws if the tool gives no report.
 */
export function checkBoundaries(root: string): Boundaries {
  const tool = join(repository, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const config = join(repository, ".dependency-cruiser.cjs");
  const folders = ["apps", "packages", "test", "scripts"].filter((folder) => existsSync(join(root, folder)));
  const run = spawnSync(process.execPath, [tool, "--config", config, "--output-type", "json", ...folders], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (!run.stdout.startsWith("{")) throw new Error(`dependency-cruiser gave no report: ${run.stderr}`);
  const { summary } = JSON.parse(run.stdout) as CruiseReport;
  return {
    modules: summary.totalCruised,
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
  };
}

function main(): void {
  const { modules, violations } = checkBoundaries(repository);
  for (const violation of violations) console.error(violation);
  console.log(`${modules} modules, ${violations.length} forbidden imports`);
  process.exitCode = modules === 0 || violations.length > 0 ? 1 : 0;
}

if (import.meta.main) main();

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tally } from "./tally.ts";

const repository = join(import.meta.dirname, "../..");

/** One tool that answers yes or no. */
export interface StaticCheck {
  /** What it makes sure of, in words. */
  name: string;
  /** Arguments for Node: the tool's entry file first, relative to the repository. */
  command: readonly string[];
}

async function node(
  args: readonly string[],
  output: "shown" | "kept",
): Promise<{ code: number; text: string }> {
  const stdio = output === "shown" ? "inherit" : "pipe";
  const child = spawn(process.execPath, args, { cwd: repository, stdio: ["ignore", stdio, stdio] });
  let text = "";
  const keep = (bytes: Buffer): void => {
    text += bytes.toString();
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 1, text };
}

/** Runs a tool and counts it as one test; shows what it printed only when it failed. */
export async function runStaticCheck({ name, command }: StaticCheck): Promise<Tally> {
  const { code, text } = await node(command, "kept");
  if (code === 0) return { passed: 1, failed: [], skipped: [] };
  console.log(text.trimEnd());
  return { passed: 0, failed: [name], skipped: [] };
}

/** Runs one suite of tests and counts each test. A suite without tests, or without a report, has failed. */
export async function runTestSuite(
  suite: string,
  root = repository,
  output: "shown" | "kept" = "shown",
): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-checks-"));
  const report = join(folder, "tally.json");
  try {
    const { code } = await node([join(import.meta.dirname, "run-suite.ts"), suite, report, root], output);
    const tally = JSON.parse(readFileSync(report, "utf8")) as Tally;
    const ran = tally.passed + tally.failed.length + tally.skipped.length;
    if (ran === 0) tally.failed.push(`suite ${suite} has no tests`);
    else if (code !== 0 && tally.failed.length === 0)
      tally.failed.push(`suite ${suite} ended with code ${code}`);
    return tally;
  } catch (error) {
    return { passed: 0, failed: [`suite ${suite} gave no report: ${String(error)}`], skipped: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

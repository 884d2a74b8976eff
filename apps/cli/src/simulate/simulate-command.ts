import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Config, formatConfigErrors, overrideText, parseConfig } from "@sluice/config";
import { SluiceError } from "@sluice/domain";
import { renderHtml, type Simulated, simulate } from "@sluice/simulation";
import { type CliContext, CliError } from "../context.ts";
import { gatherArrivals } from "./gather-arrivals.ts";
import { showReport } from "./show-report.ts";
import { readSimulateFlags, type SimulateFlags } from "./simulate-flags.ts";

/**
 * `simulate TRACE…`: runs the engine under a virtual clock against modelled targets, beside what a hand-written queue
 * would do. Needs no cluster, database or Redis.
 */
export async function simulateCommand(context: CliContext, args: readonly string[]): Promise<number> {
  const flags = readSimulateFlags(args);
  const config = await readConfig(context, flags);
  const arrivals = await gatherArrivals(flags, config, context.callerDir);
  const simulated = await run(flags, { ...flags, config, arrivals });
  if (flags.html !== undefined) {
    await writeFile(
      resolve(context.callerDir, flags.html),
      renderHtml({ ...simulated, command: `sluice simulate ${args.join(" ")}` }),
    );
    context.err.write(`The report with its plots is in ${flags.html}.\n`);
  }
  const { report } = simulated;
  context.out.write(`${flags.json ? JSON.stringify(report) : showReport(report)}\n`);
  return 0;
}

/** What an arrival names and the configuration does not know is the caller's mistake. */
async function run(flags: SimulateFlags, options: Parameters<typeof simulate>[0]): Promise<Simulated> {
  try {
    return await simulate(options, flags.schedulers);
  } catch (error) {
    if (error instanceof SluiceError) throw new CliError(`A trace cannot be simulated: ${error.message}`, 2);
    throw error;
  }
}

async function readConfig(context: CliContext, { config, sets }: SimulateFlags): Promise<Config> {
  const path = config ?? context.env["SLUICE_CONFIG"] ?? "sluice.yaml";
  const text = overridden(await readText(resolve(context.callerDir, path), path), sets);
  const result = parseConfig(text, { file: path, env: context.env });
  if (result.ok) return result.config;
  throw new CliError(formatConfigErrors(result.errors), 2);
}

async function readText(file: string, path: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CliError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      2,
    );
  }
}

function overridden(text: string, sets: SimulateFlags["sets"]): string {
  try {
    return overrideText(text, sets);
  } catch (error) {
    throw new CliError(`--set ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

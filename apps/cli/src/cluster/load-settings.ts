import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, formatConfigErrors, loadConfig } from "@sluice/config";
import { dataDirOf } from "../api/find-api.ts";
import { type CliContext, CliError } from "../context.ts";

/** Root of the repository: where the roles' programs and the examples are. */
const repositoryRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");

/** What decides how a local cluster is started. */
export interface ClusterSettings {
  readonly dataDir: string;
  readonly configPath: string;
  readonly config: Config;
  readonly workers: number;
}

const usualWorkers = 2;
const mostWorkers = 64;

/**
 * Reads the configuration and the environment. Throws {@link CliError} with every error of the configuration, each
 * with its line; tells warnings through `say`.
 */
export async function loadSettings(
  context: CliContext,
  { configPath, say }: { configPath?: string | undefined; say: (line: string) => void },
): Promise<ClusterSettings> {
  const { env } = context;
  const named =
    configPath === undefined
      ? (env["SLUICE_CONFIG"] ?? "sluice.yaml")
      : resolve(context.callerDir, configPath);
  const loaded = await loadConfig({ path: named, env });
  if (!loaded.ok) throw new CliError(formatConfigErrors(loaded.errors));
  if (loaded.warnings.length > 0) say(formatConfigErrors(loaded.warnings));
  return {
    dataDir: dataDirOf(context),
    configPath: resolve(named),
    config: loaded.config,
    workers: workersOf(env),
  };
}

/** Whether nothing outside this machine can be called. */
export function isSimulatedOnly({ providers }: Config): boolean {
  return Object.values(providers).every(({ kind }) => kind === "simulator");
}

/** Path of a file of the repository. */
export function repositoryFile(...parts: string[]): string {
  return join(repositoryRoot, ...parts);
}

function workersOf(env: CliContext["env"]): number {
  const text = env["SLUICE_WORKERS"];
  if (text === undefined || text === "") return usualWorkers;
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= mostWorkers) return workers;
  throw new CliError(`SLUICE_WORKERS must be a whole number from 1 to ${mostWorkers}, got "${text}"`);
}

import type { CliContext } from "../context.ts";
import type { Terminal } from "../progress/terminal.ts";
import { type ClusterMain, runCluster } from "../supervisor/index.ts";
import { assertPort } from "./assert-port.ts";
import { type ClusterFile, writeClusterFile } from "./cluster-file.ts";
import type { ClusterSettings } from "./load-settings.ts";
import { planCluster } from "./plan-cluster.ts";
import { prepareStores } from "./prepare-stores.ts";
import { watchLogs } from "./watch-logs.ts";

/** What is done with a running cluster: told where it is, answers the exit code. */
export type LocalMain = (cluster: RunningCluster, signal: AbortSignal) => Promise<number>;

/** A cluster of this process. */
export interface RunningCluster extends Omit<ClusterFile, "pid" | "startedAt"> {
  readonly adminKey: string;
  readonly dataDir: string;
}

/** Starts the whole cluster, does `main` with it, and drains it. Throws {@link CliError} when its port is taken. */
export async function runLocalCluster(
  context: CliContext,
  { settings, terminal, main }: { settings: ClusterSettings; terminal: Terminal; main: LocalMain },
): Promise<number> {
  const { dataDir, configPath } = settings;
  await assertPort(context);
  const { stages, health, simulators, pools } = await planCluster(settings);
  const say = (line: string): void => terminal.say(line);
  const whenRunning: ClusterMain = async ({ apiUrl, databaseUrl, redisUrl, adminKey }, signal) => {
    const facts = { url: apiUrl, databaseUrl, redisUrl, configPath, health, simulators, pools };
    const removeFile = writeClusterFile(dataDir, facts);
    const stopWatching = watchLogs(dataDir, say);
    try {
      return await main({ ...facts, adminKey, dataDir }, signal);
    } finally {
      terminal.draw(undefined);
      stopWatching();
      removeFile();
    }
  };
  return runCluster({
    dataDir,
    env: context.env,
    migrate: (databaseUrl) => prepareStores(context, databaseUrl, say),
    stages,
    say,
    main: whenRunning,
  });
}

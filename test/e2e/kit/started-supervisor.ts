import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { isAlive, startOf } from "@sluice/embedded";
import { readClusterFile } from "../../../apps/cli/src/cluster/cluster-file.ts";
import { clusterEnvironment } from "./cluster.ts";
import { until } from "./until.ts";

const program = new URL("../../../apps/cli/src/main.ts", import.meta.url);

/** `npm start`, without the bootstrap, as a process of its own. */
export interface StartedSupervisor {
  readonly url: string;
  /** Everything that runs below the supervisor now, and the supervisor. */
  processes(): RunningProcess[];
  kill(signal: NodeJS.Signals): void;
  /** Its exit code; `null` when a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** One process; an id alone may be another's later, with its start time it is not. */
export interface RunningProcess {
  readonly pid: number;
  readonly startedAt: string | undefined;
}

/** Starts the supervisor on this data directory and answers when its API does. */
export async function startSupervisor(data: {
  dataDir: string;
  configPath: string;
}): Promise<StartedSupervisor> {
  const env = await clusterEnvironment();
  const child = spawn(process.execPath, [program.pathname, "up"], {
    env: { ...env, SLUICE_DATA_DIR: data.dataDir, SLUICE_CONFIG: data.configPath },
    stdio: "ignore",
  });
  const url = await until("the cluster runs", async () => {
    if (child.exitCode !== null) throw new Error(`the supervisor ended with code ${child.exitCode}`);
    const cluster = readClusterFile(data.dataDir);
    return cluster?.pid === child.pid ? cluster?.url : undefined;
  });
  return {
    url,
    processes: () => treeOf(child.pid ?? 0).map((pid) => ({ pid, startedAt: startOf(pid) })),
    kill: (signal) => void child.kill(signal),
    exited: exitOf(child),
  };
}

/** Whether exactly this process still runs. */
export function stillRuns({ pid, startedAt }: RunningProcess): boolean {
  return isAlive(pid) && startOf(pid) === startedAt;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

/** The process and all below it. */
function treeOf(root: number): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const pairs = table.map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [root];
  for (const parent of tree) {
    for (const [pid, above] of pairs) if (above === parent && pid !== undefined) tree.push(pid);
  }
  return tree;
}

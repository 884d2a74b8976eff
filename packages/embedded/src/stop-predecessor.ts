import { readFileSync, rmSync } from "node:fs";
import { worksIn } from "./process-identity.ts";
import { waitUntil } from "./wait.ts";

/** Where a server that a killed predecessor left behind would have written its id, and how to stop it. */
export type Predecessor = {
  readonly pidFile: string;
  readonly directory: string;
  readonly stopSignal: NodeJS.Signals;
};

const cleanStopMs = 20_000;

/**
 * Stops a server that still runs on this directory and removes its pid file. A process is taken for that server
 * only when it works in that directory: the id may long belong to somebody else.
 */
export async function stopPredecessor({ pidFile, directory, stopSignal }: Predecessor): Promise<void> {
  const pid = readPid(pidFile);
  if (pid !== undefined && worksIn(pid, directory)) {
    signal(pid, "SIGCONT");
    signal(pid, stopSignal);
    const gone = (): boolean => !worksIn(pid, directory);
    if (!(await waitUntil(gone, cleanStopMs))) {
      signal(pid, "SIGKILL");
      await waitUntil(gone, cleanStopMs);
    }
  }
  rmSync(pidFile, { force: true });
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It went by itself meanwhile.
  }
}

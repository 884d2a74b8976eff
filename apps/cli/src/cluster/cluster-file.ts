import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, startOf } from "@sluice/embedded";

/** What other commands on this machine must know of a running cluster. Holds the stores' passwords: mode 0600. */
export interface ClusterFile {
  /** Base URL of the API. */
  readonly url: string;
  /** Process id of the supervisor. */
  readonly pid: number;
  /** When that process started: ids are reused. */
  readonly startedAt?: string | undefined;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly configPath: string;
  /** Base URL of `/readyz` and `/metrics` of each role without HTTP of its own, by name. */
  readonly health: Readonly<Record<string, string>>;
  /** Base URL of each simulator by its provider's name. */
  readonly simulators: Readonly<Record<string, string>>;
  /** Pool of each target. */
  readonly pools: Readonly<Record<string, string>>;
}

const pathOf = (dataDir: string): string => join(dataDir, "cluster.json");

/** Writes the file so that a reader sees all of it or none, and answers how to take it away again. */
export function writeClusterFile(dataDir: string, facts: Omit<ClusterFile, "pid" | "startedAt">): () => void {
  const path = pathOf(dataDir);
  const cluster: ClusterFile = { pid: process.pid, startedAt: startOf(process.pid), ...facts };
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(cluster, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
  return () => {
    if (parse(path)?.pid === cluster.pid) rmSync(path, { force: true });
  };
}

/** The cluster that runs on `dataDir`; `undefined` when there is none, or when its supervisor is gone. */
export function readClusterFile(dataDir: string): ClusterFile | undefined {
  const cluster = parse(pathOf(dataDir));
  if (cluster === undefined || !isAlive(cluster.pid)) return undefined;
  return startOf(cluster.pid) === cluster.startedAt ? cluster : undefined;
}

function parse(path: string): ClusterFile | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ClusterFile;
  } catch {
    return undefined;
  }
}

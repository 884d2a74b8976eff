import { resolve } from "node:path";
import { startPostgres, startRedis } from "@sluice/embedded";
import { ensureAdminKey } from "./admin-key.ts";
import { fileOutput, inheritedOutput } from "./child-output.ts";
import type { ChildContext, ChildSpec, Cluster, ClusterOptions } from "./cluster-types.ts";
import { createEventLog, type EventLog } from "./event-log.ts";
import { lockDataDirectory } from "./lock-data-directory.ts";
import { sendSignal } from "./send-signal.ts";
import { type SupervisedChild, superviseChild } from "./supervise-child.ts";
import { type SupervisedServer, superviseServer } from "./supervise-server.ts";

const defaultDrainMs = 30_000;

/** What runs so far, in the order it was started. */
type Running = { servers: SupervisedServer[]; stages: SupervisedChild[][]; release: () => void };

/**
 * Starts servers, brings the database up to date and starts the children stage by stage. Whatever goes wrong, or is
 * aborted, on the way: what was started is stopped, and the promise rejects with the reason.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const dataDir = resolve(options.dataDir);
  const log = createEventLog(options.onEvent);
  const running: Running = { servers: [], stages: [], release: lockDataDirectory(dataDir) };
  const stop = stopOnce(running, log, options.drainMs ?? defaultDrainMs);
  try {
    const adminKey = ensureAdminKey(dataDir, options.env);
    const servers = await startServers({ ...options, dataDir }, running, log);
    await unlessAborted(options.signal, options.migrate(servers.databaseUrl));
    const addresses = { ...servers, adminKey };
    for (const stage of options.stages)
      await startStage({ ...options, dataDir }, stage, { addresses, running, log });
    return clusterOf(addresses, running, { log, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServers(
  options: ClusterOptions,
  running: Running,
  { emit }: EventLog,
): Promise<{ databaseUrl: string; redisUrl: string }> {
  const { dataDir, env, log = () => undefined, fastPostgres = false, signal } = options;
  const common = { dataDir, log, preferContainer: false };
  const keep = async (starting: ReturnType<typeof startPostgres>): Promise<string> => {
    const server = await starting;
    emit({ type: "ready", name: server.name, pid: server.pid });
    running.servers.push(superviseServer(server, emit));
    return server.url;
  };
  const results = await Promise.allSettled([
    keep(startPostgres({ ...common, databaseUrl: env["DATABASE_URL"], fast: fastPostgres })),
    keep(startRedis({ ...common, redisUrl: env["REDIS_URL"] })),
  ]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  signal?.throwIfAborted();
  const [databaseUrl = "", redisUrl = ""] = results.map((result) =>
    result.status === "fulfilled" ? result.value : "",
  );
  return { databaseUrl, redisUrl };
}

type Addresses = Omit<ChildContext, "urls">;
type Started = { addresses: Addresses; running: Running; log: EventLog };

async function startStage(
  options: ClusterOptions,
  stage: readonly ChildSpec[],
  { addresses, running, log }: Started,
): Promise<void> {
  const context: ChildContext = { ...addresses, urls: urlsOf(running) };
  const children = stage.flatMap((spec) =>
    namesOf(spec).map((name) => startChild(options, spec, { name, context, log })),
  );
  running.stages.push(children);
  await unlessAborted(options.signal, Promise.all(children.map((child) => child.ready)));
}

function startChild(
  options: ClusterOptions,
  spec: ChildSpec,
  { name, context, log }: { name: string; context: ChildContext; log: EventLog },
): SupervisedChild {
  const added = typeof spec.env === "function" ? spec.env(context) : spec.env;
  return superviseChild({
    name,
    args: spec.args,
    env: { ...options.env, DATABASE_URL: context.databaseUrl, REDIS_URL: context.redisUrl, ...added },
    portVariable: spec.portVariable,
    output: options.childOutput === "inherit" ? inheritedOutput : fileOutput(options.dataDir, name),
    emit: log.emit,
  });
}

function namesOf({ name, count = 1 }: ChildSpec): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

function urlsOf(running: Running): Record<string, string> {
  const told = running.stages
    .flat()
    .flatMap(({ name, url }) => (url === undefined ? [] : [[name, url] as const]));
  return Object.fromEntries(told);
}

/** Answers a function that drains once, however often it is called. */
function stopOnce(running: Running, log: EventLog, drainMs: number): () => Promise<void> {
  const drain = async (): Promise<void> => {
    log.emit({ type: "draining" });
    for (const stage of running.stages.toReversed())
      await Promise.all(stage.map((child) => child.stop(drainMs)));
    await Promise.all(running.servers.map((server) => server.stop()));
    running.release();
    log.emit({ type: "stopped" });
  };
  let draining: Promise<void> | undefined;
  return () => {
    draining ??= drain();
    return draining;
  };
}

function clusterOf(
  addresses: Addresses,
  running: Running,
  { log, stop }: { log: EventLog; stop: () => Promise<void> },
): Cluster {
  const children = (): SupervisedChild[] => running.stages.flat();
  return {
    ...addresses,
    get urls() {
      return urlsOf(running);
    },
    get apiUrl() {
      const url = urlsOf(running)["api"];
      if (url === undefined) throw new Error('there is no child named "api" that told its URL');
      return url;
    },
    get processes() {
      const all = [...running.servers.map(({ server }) => server), ...children()];
      return all.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
    },
    events: log.events,
    waitFor: log.waitFor,
    kill: (name, signal) =>
      sendSignal({
        name,
        signal,
        servers: running.servers.map(({ server }) => server),
        children: children(),
      }),
    stop,
    killNow: () => {
      for (const child of children()) child.killNow();
      running.release();
    },
  };
}

/** Waits for `work`, but not longer than until the abort, with which it rejects. */
async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

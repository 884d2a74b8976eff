import { randomBytes } from "node:crypto";
import { type Config, type ConfigWatch, formatConfigErrors, loadConfig, watchConfig } from "@sluice/config";
import {
  type Clock,
  createIdSource,
  type IdSource,
  type Logger,
  type Metrics,
  type Random,
} from "@sluice/domain";
import { keepTenants, systemClock, systemRandom, type TenantBook } from "@sluice/engine";
import { openFileStore } from "@sluice/files";
import { createLedger, type Ledger } from "@sluice/ledger";
import { createQueueTelemetry } from "@sluice/queue";
import { closeRedis, connectRedis, type RedisClient, type RedisRole } from "@sluice/redis";
import {
  createHealth,
  createLogger,
  createMetrics,
  type Health,
  type MetricsRecorder,
  serveHealth,
  startTracing,
  type Tracing,
} from "@sluice/telemetry";
import { logLevel, type RoleEnvironment, readEnvironment } from "./read-environment.ts";
import { reportRedis } from "./report-redis.ts";

/** What a role is built from. */
export interface Runtime {
  readonly environment: RoleEnvironment;
  /** The configuration of this moment, with the tenants that were made over the API. */
  readonly config: () => Config;
  /** Names of the tenants in the file. */
  readonly configuredTenants: () => readonly string[];
  readonly tenants: TenantBook;
  readonly ledger: Ledger;
  readonly files: ReturnType<typeof openFileStore>;
  /** Opens a connection that is closed when the role stops. */
  readonly redis: (role: RedisRole) => RedisClient;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics & MetricsRecorder;
  readonly tracing: Tracing;
  /** Spans of the queues; only where traces are collected, they cost bytes in Redis. */
  readonly queueTelemetry: ReturnType<typeof createQueueTelemetry> | undefined;
  readonly health: Health;
}

/** A started role. */
export interface StartedRole {
  /** Where it listens, if it does. */
  readonly url?: string;
  /** Ends its work: takes no more, finishes or hands back what it has. */
  stop(): Promise<void>;
}

export type RoleName = "api" | "worker" | "dispatcher" | "delivery";

/** Runs one role until SIGTERM or SIGINT; the process ends with 0 after a clean stop and 1 when it cannot start. */
export async function runRole(
  name: RoleName,
  env: Readonly<Record<string, string | undefined>>,
  start: (runtime: Runtime) => Promise<StartedRole>,
): Promise<void> {
  const logger = createLogger({ role: name, level: logLevel(env) });
  try {
    const { runtime, close } = await createRuntime(name, env, logger);
    void reportRedis(runtime.redis("commands"), logger);
    const role = await start(runtime);
    process.send?.({ type: "ready", ...(role.url === undefined ? {} : { url: role.url }) });
    stopOnSignal(logger, async () => {
      await role.stop();
      await close();
    });
  } catch (error) {
    process.stderr.write(`sluice ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    logger.error({ err: error }, "the role could not start");
    process.exit(1);
  }
}

/** Group commits keep few connections busy. */
const maxConnections = 10;

async function createRuntime(
  name: RoleName,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
) {
  const environment = readEnvironment(env);
  const watch = await openConfig(environment.configPath, env, logger);
  const metrics = createMetrics({
    onMisuse: (problem) => logger.error({ problem }, "a metric is used wrongly"),
  });
  const tracing = startTracing({
    serviceName: `sluice-${name}`,
    otlpEndpoint: environment.otlpEndpoint,
    logger,
  });
  const health = createHealth({
    onWarning: (cause, holds) => metrics.set("sluice_warnings", { cause }, holds ? 1 : 0),
  });
  const ledger = createLedger({
    url: environment.databaseUrl,
    maxConnections,
    applicationName: `sluice-${name}`,
    logger,
    onFlush({ rows, durationMs }) {
      metrics.observe("sluice_ledger_flush_rows", {}, rows);
      metrics.observe("sluice_ledger_flush_seconds", {}, durationMs / 1000);
    },
  });
  const tenants = keepTenants({ ledger, clock: systemClock, logger });
  // Without them a role would take their limits for those of the default tenant.
  await tenants.refresh();
  tenants.start();
  const connections: RedisClient[] = [];
  const runtime: Runtime = {
    environment,
    config: () => tenants.into(watch.current()),
    configuredTenants: () => Object.keys(watch.current().tenants),
    tenants,
    ledger,
    files: openFileStore(environment.filesUrl, {
      endpoint: environment.s3Endpoint,
      region: environment.s3Region,
    }),
    redis(role) {
      const onError = (error: Error) => logger.warn({ err: error }, "Redis connection has a problem");
      const client = connectRedis({ url: environment.redisUrl, role, name: `sluice-${name}`, onError });
      connections.push(client);
      return client;
    },
    ids: createIdSource(systemClock, randomBytes),
    clock: systemClock,
    random: systemRandom,
    logger,
    metrics,
    tracing,
    queueTelemetry: environment.otlpEndpoint === undefined ? undefined : createQueueTelemetry(),
    health,
  };
  const server = await healthServer(runtime);
  return {
    runtime,
    async close() {
      watch.close();
      tenants.stop();
      await Promise.all(connections.map((client) => closeRedis(client)));
      await ledger.close();
      await tracing.shutdown();
      await server?.close();
    },
  };
}

async function healthServer({ environment, health, metrics }: Runtime) {
  if (environment.healthPort === undefined) return undefined;
  return serveHealth({ port: environment.healthPort, host: environment.host, health, metrics });
}

async function openConfig(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): Promise<ConfigWatch> {
  const loaded = await loadConfig({ path, env });
  if (!loaded.ok) throw new Error(`the configuration has errors:\n${formatConfigErrors(loaded.errors)}`);
  const watch = watchConfig({
    path,
    env,
    initial: loaded.config,
    onChange: (config) => logger.info({ configHash: config.hash }, "a new configuration is active"),
    onError: (errors) =>
      logger.error(
        { errors: errors.length, detail: formatConfigErrors(errors) },
        "the changed configuration has errors; the old one stays",
      ),
  });
  process.on("SIGHUP", () => void watch.reload());
  return watch;
}

function stopOnSignal(logger: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, "stopping");
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, "the role did not stop cleanly");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

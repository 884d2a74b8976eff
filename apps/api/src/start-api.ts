import { createCapacity, createForecastBoard } from "@sluice/capacity";
import { renderAccepted } from "@sluice/contracts";
import { FileMissing, type FileStore } from "@sluice/domain";
import {
  cacheSignals,
  createAcceptJob,
  createAdmission,
  createForecaster,
  createForecastReporter,
  createJobWaiter,
  createJobWatcher,
  createKeyUseRecorder,
  createLaneRoom,
  createStreamFollower,
  createWindowSizes,
  previewJob,
  previewRoute,
  withProviderSignals,
} from "@sluice/engine";
import { checkProviders, scrapeEngines } from "@sluice/providers";
import { createDeadLetters, createIdQueue, createLanes, queuesForBoard } from "@sluice/queue";
import { checkRedis } from "@sluice/redis";
import { enginesOf, type Runtime, type StartedRole } from "@sluice/role";
import { lanePriority } from "@sluice/scheduling";
import type { ApiPorts } from "./api-ports.ts";
import { createAuthenticator } from "./authenticate.ts";
import { createServer } from "./create-server.ts";
import { ensureAdminKey } from "./ensure-admin-key.ts";
import { estimateOf } from "./estimate-of.ts";
import { listen } from "./listen.ts";

/** Asks the store for a content that is never there: it must be able to say so. */
async function canRead(files: FileStore): Promise<boolean> {
  const found = await files.read("0".repeat(64)).catch((error: unknown) => error);
  return found instanceof FileMissing;
}

/** Wires the API and listens. */
export async function startApi(runtime: Runtime): Promise<StartedRole> {
  const { ledger, files, ids, clock, logger, metrics, config, tenants, environment } = runtime;
  await ensureAdminKey(runtime);
  const redis = runtime.redis("producer");
  const lanes = createLanes({
    redis,
    clock,
    newGenerationId: () => ids.uuid(),
    priorityOf: lanePriority,
    telemetry: runtime.queueTelemetry,
  });
  const commands = runtime.redis("commands");
  const capacity = createCapacity({ redis: commands, clock, ids });
  const board = createForecastBoard(commands);
  const forecaster = createForecaster({ board, clock, logger, config });
  const admission = createAdmission({ forecaster, config });
  const engines = scrapeEngines({
    engines: () => enginesOf(config()),
    clock,
    onError: (provider, error) => logger.warn({ provider, err: error }, "an engine's metrics cannot be read"),
  });
  const checks = checkProviders({
    providers: () => config().providers,
    clock,
    onChange: (provider, { ok }, failure) =>
      logger.info({ provider, ok, failure }, "what health checks say of a provider has changed"),
  });
  const known = withProviderSignals(capacity, { engines, checks });
  const signals = cacheSignals({ capacity: known, clock });
  const preview = { signals, clock, random: runtime.random, ids, files, config };
  const sizes = createWindowSizes({ capacity, files, clock, logger, config });
  const room = createLaneRoom({ ledger, sizes, clock, logger });
  const keyUse = createKeyUseRecorder({ ledger, clock, logger });
  const ports: ApiPorts = {
    ledger,
    lanes,
    capacity: { operate: capacity.operate, ...known },
    files,
    ids,
    clock,
    logger,
    metrics,
    config,
    publicUrl: environment.publicUrl,
    health: runtime.health,
    tracing: runtime.tracing,
    batches: createIdQueue({ redis, name: "batches", clock }),
    deliveries: createIdQueue({ redis, name: "delivery", clock }),
    deadLetters: createDeadLetters({ redis }),
    authenticator: createAuthenticator({ ledger, clock, config, tenants, keyUse }),
    tenants,
    configuredTenants: runtime.configuredTenants,
    acceptJob: createAcceptJob({
      ledger,
      lanes,
      room,
      admission,
      forecaster,
      reports: createForecastReporter({ board, clock, logger }),
      files,
      ids,
      clock,
      logger,
      metrics,
      config,
      render: (spec) => renderAccepted(spec, estimateOf(config(), spec, spec.estimate)),
    }),
    previewJob: (job) => previewJob(preview, job),
    previewRoute: (fields, body) => previewRoute(preview, fields, body),
    waiter: createJobWaiter({ ledger, clock, logger }),
    watcher: createJobWatcher({ ledger, clock, logger }),
    follower: createStreamFollower({ ledger, clock, logger }),
    windowSizes: sizes,
    admission,
    forecaster,
  };
  runtime.health.addCheck("ledger", async () => {
    await ledger.ping();
    return { ok: true };
  });
  runtime.health.addWarning("redis", async () => {
    const { ok, problems } = await checkRedis(redis);
    return ok ? { ok } : { ok, detail: problems.map((problem) => problem.message).join(" ") };
  });
  runtime.health.addWarning("file_store", async () => {
    if (await canRead(files)) return { ok: true };
    return { ok: false, detail: "Files, and requests and results above 64 KiB, can not be kept or read." };
  });
  const queues = queuesForBoard({ redis, models: Object.keys(config().models) });
  const server = await createServer(ports, queues.queues);
  const url = await listen(server, environment.host, environment.port);
  logger.info({ url }, "the API listens");
  return {
    url,
    async stop() {
      await server.close();
      await keyUse.flush();
      await engines.close();
      await checks.close();
      await lanes.close();
      await queues.close();
    },
  };
}

import { createCapacity, createForecastBoard, repeatLostEnds } from "@sluice/capacity";
import { failureLineBytes, lineBytes, responseEnding } from "@sluice/contracts";
import { idFromUuid, type JobToRun } from "@sluice/domain";
import {
  cacheSignals,
  createForecastReporter,
  createPurse,
  createTurns,
  createWaitRecorder,
  createWaker,
  keepCapacityWarm,
  keepLease,
  keepTargetStates,
  type ProcessJobPorts,
  processJob,
  type ResultLine,
  withProviderSignals,
  workerLeaseMs,
} from "@sluice/engine";
import { checkProviders, createModelClient, scrapeEngines } from "@sluice/providers";
import { createDeadLetters, createIdQueue, createLaneConsumer, createLaneWaker } from "@sluice/queue";
import { enginesOf, type Runtime, type StartedRole } from "@sluice/role";
import { consumeLanes } from "./consume-lanes.ts";

/** How long calls may go on after SIGTERM before they are aborted and handed back. */
const shutdownGraceMs = 20_000;

/** Wires a routing worker: one consumer per lane. */
export async function startWorker(runtime: Runtime): Promise<StartedRole> {
  const { ledger, ids, clock, logger, config, environment } = runtime;
  const commands = runtime.redis("commands");
  const sleepers = createLaneWaker(commands);
  const onRoom = createWaker({
    lanes: sleepers,
    leave: (job) => capacity.leave(job),
    clock,
    logger,
    metrics: runtime.metrics,
  });
  const capacity = repeatLostEnds(createCapacity({ redis: commands, clock, ids, onRoom }));
  const lease = await keepLease({
    ledger,
    clock,
    logger,
    process: { host: environment.hostname, pid: process.pid },
    newWorkerId: () => idFromUuid("worker", ids.uuid()),
    onRenewed: (workerId) => {
      capacity.renew(workerId, workerLeaseMs).catch((error: unknown) => {
        logger.warn({ err: error }, "reservations were not renewed");
      });
    },
  });
  const models = createModelClient({
    providers: () => config().providers,
    simulators: environment.simulators,
    clock,
  });
  const engines = scrapeEngines({
    engines: () => enginesOf(config()),
    clock,
    onError: (provider, error) =>
      logger.warn({ provider, err: error }, "an engine's metrics cannot be read; it counts as saturated"),
  });
  const checks = checkProviders({
    providers: () => config().providers,
    clock,
    onChange: (provider, { ok }, failure) =>
      ok
        ? logger.info({ provider }, "a provider passes its health checks and takes jobs")
        : logger.warn({ provider, failure }, "a provider fails its health checks and takes no jobs"),
  });
  const stopRebuilding = keepCapacityWarm({ ledger, capacity, clock, logger, ids, config });
  const stopTargetStates = keepTargetStates({ ledger, capacity, clock, logger });
  const ports: ProcessJobPorts = {
    ledger,
    lease,
    capacity,
    signals: cacheSignals({ capacity: withProviderSignals(capacity, { engines, checks }), clock }),
    reports: createForecastReporter({ board: createForecastBoard(commands), clock, logger }),
    waits: createWaitRecorder({ ledger, clock, logger }),
    purse: createPurse({ ledger, clock, logger }),
    models,
    files: runtime.files,
    deadLetters: createDeadLetters({ redis: commands }),
    deliveries: createIdQueue({ redis: commands, name: "delivery", clock }),
    ids,
    clock,
    random: runtime.random,
    turns: createTurns(),
    logger,
    metrics: runtime.metrics,
    tracer: runtime.tracing,
    config,
    failureLineBytes,
    resultLineBytes,
    responseEnding,
  };
  const redis = runtime.redis("worker");
  const lanes = consumeLanes({
    models: () => Object.keys(config().models),
    clock,
    open: (model) =>
      createLaneConsumer({
        redis,
        model,
        concurrency: environment.workerConcurrency,
        workerName: lease.workerId,
        clock,
        telemetry: runtime.queueTelemetry,
        handler: (pointer, hand) => processJob(ports, pointer.jobId, hand),
        onError: (error) => logger.warn({ model, err: error }, "the lane's consumer has a problem"),
      }),
  });
  runtime.health.addCheck("lease", () => ({ ok: lease.holds() }));
  logger.info({ workerId: lease.workerId }, "the worker takes jobs");
  return {
    async stop() {
      await lanes.close(shutdownGraceMs);
      await lease.stop();
      stopTargetStates();
      stopRebuilding();
      await engines.close();
      await checks.close();
      await sleepers.close();
      await models.close();
    },
  };
}

function resultLineBytes(job: JobToRun, result: ResultLine, body: Buffer): number {
  const { batchLine } = job;
  if (batchLine === undefined) return 0;
  const stored = { ...result, body: { kind: "inline" as const, bytes: body } };
  const { line, customId } = batchLine;
  return lineBytes(
    { jobId: job.id, line, customId, state: "succeeded", result: stored, failure: undefined },
    body,
  );
}

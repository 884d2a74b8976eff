import { createCapacity, createForecastBoard } from "@sluice/capacity";
import {
  carriedLineBytes,
  failureLineBytes,
  readBatchLine,
  readKeptRequest,
  renderRefusal,
} from "@sluice/contracts";
import type { BatchId } from "@sluice/domain";
import {
  createForecaster,
  createWindowSizes,
  dispatchDuties,
  type LineReader,
  leadDuties,
  type ReadMessageLine,
  validateBatch,
} from "@sluice/engine";
import { createDeadLetters, createIdConsumer, createIdQueue, createLanes } from "@sluice/queue";
import type { Runtime, StartedRole } from "@sluice/role";
import { lanePriority } from "@sluice/scheduling";
import { estimateInputTokens } from "@sluice/tokens";

/** Validations that one process runs at a time; each streams, so memory stays small. */
const validations = 2;
const shutdownGraceMs = 20_000;
const staleMs = 30_000;

/** Wires a dispatcher: every one validates batches, the one that leads does all else. */
export async function startDispatcher(runtime: Runtime): Promise<StartedRole> {
  const { ledger, files, ids, clock, logger, metrics, config, environment } = runtime;
  const holder = `${environment.hostname}:${process.pid}:${ids.uuid()}`;
  const redis = runtime.redis("producer");
  const lanes = createLanes({
    redis,
    clock,
    newGenerationId: () => ids.uuid(),
    priorityOf: lanePriority,
    telemetry: runtime.queueTelemetry,
  });
  const batches = createIdQueue({ redis, name: "batches", clock });
  const deliveries = createIdQueue({ redis, name: "delivery", clock });
  const deadLetters = createDeadLetters({ redis });
  const commands = runtime.redis("commands");
  const board = createForecastBoard(commands);
  const forecaster = createForecaster({ board, clock, logger, config });
  const ports = { ledger, forecaster, files, deliveries };
  const lines = { readLine, carriedLineBytes, readMessageLine, renderRefusal };
  const validation = { ...ports, ids, clock, logger, metrics, config, ...lines, holder };
  const validator = createIdConsumer({
    redis: runtime.redis("worker"),
    name: "batches",
    concurrency: validations,
    workerName: holder,
    clock,
    handler: (id) => validateBatch(validation, id as BatchId),
    onError: (error) => logger.warn({ err: error }, "the batches queue has a problem"),
  });
  const capacity = createCapacity({ redis: commands, clock, ids });
  const duties = dispatchDuties({
    ledger,
    lanes,
    capacity,
    board,
    sizes: createWindowSizes({ capacity, files, clock, logger, config }),
    batches,
    deliveries,
    files,
    deadLetters,
    ids,
    clock,
    logger,
    metrics,
    config,
    failureLineBytes,
  });
  const leading = leadDuties({ ledger, clock, logger, holder }, duties);
  runtime.health.addCheck("leadership", () => ({
    ok: clock.monotonicMs() - leading.lastProgressMs() < staleMs,
  }));
  return {
    async stop() {
      await validator.close({ graceMs: shutdownGraceMs });
      await leading.stop();
      await lanes.close();
    },
  };
}

const readLine: LineReader = (bytes, endpoint) => {
  const read = readBatchLine(bytes, endpoint);
  if (!read.ok) return read;
  const { customId, body, parsedBody, request } = read.line;
  const inputTokens = estimateInputTokens(parsedBody);
  return { ok: true, line: { customId, body, parsedBody, ...request, inputTokens } };
};

function readMessageLine(line: Buffer): ReadMessageLine {
  const { customId, params: body, parsed: parsedBody, read } = readKeptRequest(line);
  if (!read.ok) return { customId, body, parsedBody, read };
  const request = { ...read.request, inputTokens: estimateInputTokens(parsedBody) };
  return { customId, body, parsedBody, read: { ok: true, request } };
}

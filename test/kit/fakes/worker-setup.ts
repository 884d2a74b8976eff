import { type EngineConfig, idFromUuid, type JobToRun, type Target, type Verdict } from "@sluice/domain";
import {
  cacheSignals,
  createTurns,
  createWaitRecorder,
  keepLease,
  noReports,
  type ProcessJobPorts,
  processJob,
} from "@sluice/engine";
import { sampleConfig, sampleTarget } from "../samples.ts";
import { createFakeClock } from "./fake-clock.ts";
import { createMemoryFiles } from "./memory-files.ts";
import { createMemoryDeadLetters, createMemoryIdQueue } from "./memory-lanes.ts";
import { createMemoryPurse } from "./memory-purse.ts";
import { createMemoryWorkerLedger } from "./memory-worker-ledger.ts";
import {
  createCountingIds,
  createFakeTracer,
  createRecordingLogger,
  createRecordingMetrics,
} from "./records.ts";
import { createScriptedCapacity, createScriptedModels } from "./scripted-capacity.ts";

/** A worker on fakes, with a lease, one target unless told otherwise, and every draw of chance 0.5. */
export async function setupWorker(
  options: { targets?: readonly Target[]; config?: Partial<EngineConfig> } = {},
) {
  const clock = createFakeClock();
  const config = sampleConfig(options.targets ?? [sampleTarget("one")], options.config);
  const fakes = {
    clock,
    ledger: createMemoryWorkerLedger(clock),
    capacity: createScriptedCapacity(),
    purse: createMemoryPurse(),
    models: createScriptedModels(),
    files: createMemoryFiles(),
    deadLetters: createMemoryDeadLetters(),
    deliveries: createMemoryIdQueue(),
    ids: createCountingIds(),
    logger: createRecordingLogger(),
    metrics: createRecordingMetrics(),
    tracer: createFakeTracer(),
  };
  const lease = await keepLease({
    ...fakes,
    process: { host: "host", pid: 1 },
    newWorkerId: () => idFromUuid("worker", fakes.ids.uuid()),
  });
  const ports: ProcessJobPorts = {
    ...fakes,
    lease,
    signals: cacheSignals(fakes),
    waits: createWaitRecorder(fakes),
    reports: noReports,
    random: { next: () => 0.5 },
    turns: createTurns(),
    config: () => config,
    failureLineBytes: ({ failure }) => failure.message.length,
    resultLineBytes: (_job, _result, body) => 1_000 + body.length,
    responseEnding: (body) => (body.includes("incomplete") ? "incomplete" : "completed"),
  };
  const shutdown = new AbortController();
  /** Runs one claim of a job; time goes on until it comes to a verdict. */
  async function run({ id }: Pick<JobToRun, "id">): Promise<Verdict> {
    let ended = false;
    const verdict = processJob(ports, id, shutdown).finally(() => (ended = true));
    verdict.catch(() => undefined);
    while (!ended) await clock.advance(100);
    return verdict;
  }
  return { ...fakes, ports, lease, shutdown, run };
}

import { createInMemoryCapacity } from "@sluice/capacity";
import { type IdSource, idFromUuid, type JobId, type ModelClient, type Outcome } from "@sluice/domain";
import {
  cacheSignals,
  createFeeder,
  createLaneRoom,
  createTurns,
  createWaitRecorder,
  createWaker,
  createWindowSizes,
  type LeaseKeeper,
  type ProcessJobPorts,
  processJob,
  specJob,
} from "@sluice/engine";
import type { Arrival } from "./arrival.ts";
import { letArrive, repeat } from "./drive.ts";
import { createForecasting } from "./forecasting.ts";
import { createJobBook, type JobBook } from "./job-book.ts";
import type { RunLog, Sample } from "./log.ts";
import { newRow } from "./memory/job-row.ts";
import { pointerOf } from "./memory/memory-backlog.ts";
import { createMemoryLanes } from "./memory/memory-lanes.ts";
import { createMemoryLedger } from "./memory/memory-ledger.ts";
import {
  fieldsOf,
  noBody,
  type RunOptions,
  sampleEveryMs,
  seededIds,
  simulationStart,
} from "./run-options.ts";
import { seededRandom } from "./seeded-random.ts";
import { noFiles, noPurse, silentLogger, silentMetrics, silentTracer } from "./silent-ports.ts";
import { createModelledUpstream, type Ended, type ModelledUpstream } from "./upstream/modelled-upstream.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const feedEveryMs = 100;
const forecastEveryMs = 1_000;
const expireEveryMs = 1_000;

/**
 * Runs the engine itself (accepting, feeding, placing, retrying, parking, expiry) under a virtual clock until every job
 * has ended: only the stores are in memory, and the targets are modelled. Deterministic by seed.
 */
export async function runSluice(options: RunOptions): Promise<RunLog> {
  const { config: configuration, seed } = options;
  const clock = createVirtualClock(simulationStart);
  const config = () => configuration;
  const ids = seededIds(seed, clock);
  const book = createJobBook(simulationStart);
  const upstream = createModelledUpstream({ config: configuration, clock, seed, startAt: simulationStart });
  const ledger = createMemoryLedger((id, state, at) => book.ended(id, state, at));
  const capacity = createInMemoryCapacity({ clock, ids, onRoom: (jobs) => wake(jobs) });
  const shared = { clock, logger: silentLogger, metrics: silentMetrics, files: noFiles, config, ids };
  const sizes = createWindowSizes({ ...shared, capacity });
  const { reports, predicted, publish } = createForecasting({ ...shared, ledger, capacity, sizes });
  const models = modelClient(book, upstream, () => clock.now());
  const workers = Array.from({ length: options.workers }, (_, number) =>
    workerPorts({ ...shared, ledger, capacity, models, reports }, seed, number),
  );
  const lanes = createMemoryLanes({
    clock,
    workers: options.workers,
    concurrency: options.concurrency,
    run: (jobId, worker) => processJob(portsOf(workers, worker), jobId, new AbortController()),
  });
  const wake = createWaker({ ...shared, lanes, leave: (job) => capacity.leave(job) });
  const room = createLaneRoom({ ...shared, ledger, sizes });
  const feed = createFeeder({
    ...shared,
    ledger,
    sizes,
    lanes: { add: async (pointers) => lanes.add(pointers) },
  });

  function accept(arrival: Arrival): void {
    const made = { id: idFromUuid("job", ids.uuid()), body: noBody, now: clock.now() };
    const spec = predicted(specJob(fieldsOf(arrival), configuration, made));
    book.open({ ...spec, arrival });
    const laned = room.take(spec);
    ledger.accept(spec, laned);
    if (!laned) return;
    room.committed(spec);
    lanes.add([pointerOf(newRow(spec, true))]);
  }

  const samples: Sample[] = [];
  const haveArrived = letArrive(clock, options.arrivals, accept);
  repeat(clock, forecastEveryMs, () => publish(1));
  repeat(clock, feedEveryMs, () => feed(1));
  repeat(clock, expireEveryMs, async () => ledger.expire(clock.now()));
  repeat(clock, sampleEveryMs, async () => {
    const at = clock.now() - simulationStart;
    samples.push({ at, waiting: ledger.waiting(), inFlight: upstream.inFlight() });
  });
  await clock.run(() => haveArrived() && book.unfinished() === 0);
  return {
    scheduler: "sluice",
    jobs: book.records,
    calls: upstream.calls,
    samples,
    endedAt: clock.now() - simulationStart,
  };
}

type SharedPorts = Pick<
  ProcessJobPorts,
  "ledger" | "reports" | "capacity" | "models" | "clock" | "logger" | "metrics" | "files" | "config" | "ids"
>;

function workerPorts(shared: SharedPorts, seed: number, number: number): ProcessJobPorts {
  return {
    ...shared,
    lease: everlastingLease(shared.ids),
    signals: cacheSignals(shared),
    purse: noPurse,
    deadLetters: { add: async () => undefined, remove: async () => undefined },
    deliveries: { add: async () => undefined },
    random: seededRandom(seed, `worker ${number}`),
    turns: createTurns(),
    waits: createWaitRecorder(shared),
    tracer: silentTracer,
    failureLineBytes: () => 0,
    resultLineBytes: () => 0,
    responseEnding: () => "completed",
  };
}

function portsOf(workers: readonly ProcessJobPorts[], number: number): ProcessJobPorts {
  const ports = workers[number];
  if (ports === undefined) throw new Error(`there is no worker ${number}`);
  return ports;
}

/** Simulated workers do not die. */
function everlastingLease(ids: IdSource): LeaseKeeper {
  const { signal } = new AbortController();
  return {
    workerId: idFromUuid("worker", ids.uuid()),
    signal: () => signal,
    holds: () => true,
    stop: async () => undefined,
  };
}

/** Calls the modelled upstream: prompt and answer have the lengths of the trace. */
function modelClient(book: JobBook, upstream: ModelledUpstream, now: () => number): ModelClient {
  return {
    async call({ target, jobId }) {
      const id = jobId as JobId;
      book.called(id, now());
      const size = book.sizeOf(id);
      return outcomeOf(await upstream.call(target, book.numberOf(id), size), size);
    },
  };
}

function outcomeOf(
  { kind, latencyMs }: Ended,
  { inputTokens, outputTokens }: Pick<Arrival, "inputTokens" | "outputTokens">,
): Outcome {
  const timed = { latencyMs, sentAfterMs: 0 };
  switch (kind) {
    case "succeeded": {
      const answer = {
        statusCode: 200,
        contentType: "application/json",
        body: noBody.bytes,
        requestId: undefined,
      };
      const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 };
      return { kind, answer, usage, ...timed };
    }
    case "throttled":
      return { kind, statusCode: 429, retryAfterMs: undefined, ...timed };
    case "failed":
      return { kind: "overloaded", statusCode: 500, retryAfterMs: undefined, ...timed };
  }
}

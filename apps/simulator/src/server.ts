import type { AddressInfo } from "node:net";
import { type FastifyInstance, fastify } from "fastify";
import { apiError, renderError } from "./api-error.ts";
import { createKeyFingerprint } from "./authorize.ts";
import { createCallLog, showCall } from "./call-log.ts";
import { addControlRoutes, changeFaults, type FaultChange, readRule } from "./control-routes.ts";
import { createEngineMetrics } from "./engine-metrics.ts";
import { createFaultBook } from "./fault-book.ts";
import { createLimiter, type Limits } from "./limiter.ts";
import { createListener, type RefusingListener } from "./listener.ts";
import { addModelRoutes, listedModels } from "./model-routes.ts";
import { createOccurrences } from "./occurrences.ts";
import { type ResolvedOptions, resolveOptions, type SimulatorOptions } from "./options.ts";
import type { Simulator } from "./simulator.ts";
import { createSlots } from "./slots.ts";
import { createStatistics, type SimulatorStats } from "./statistics.ts";
import { createTextTape } from "./text-tape.ts";
import { loadTokenizer } from "./tokenizer.ts";

/** A simulated upstream that is listening. */
export interface RunningSimulator {
  /** Base URL of the API, with `/v1`. */
  readonly url: string;
  readonly name: string;
  stats(): SimulatorStats;
  /** The calls of the log, as `/_sim/calls` shows them. */
  calls(since?: number): Record<string, unknown>[];
  /** @throws RangeError for a rule that cannot be read. */
  setFaults(change: FaultChange): void;
  setLimits(limits: Partial<Limits>): void;
  /** Back to the state and settings it started with. */
  reset(): void;
  /** Stops listening, gives calls in flight `graceMs` (0) to end, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

const maxBodyBytes = 64 * 1024 * 1024;
/** Longer than clients keep idle connections: the side that closes first should be the client. */
const keepAliveMs = 75_000;

/**
 * Starts a simulated upstream.
 * @throws RangeError for an option out of its range; the listener's error if the port is taken.
 */
export async function startSimulator(given: SimulatorOptions = {}): Promise<RunningSimulator> {
  const options = resolveOptions(given);
  const app = createApp();
  const listener = createListener(app.server);
  const simulator = await assemble(options, listener);
  const reset = (): void => resetSimulator(simulator);
  addModelRoutes(app, simulator);
  addControlRoutes(app, simulator, reset);
  await app.listen({ host: options.host, port: options.port });
  const { port } = app.server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  listener.listensOn({ host: options.host, port });
  return {
    url: `http://${host}:${port}/v1`,
    name: options.name,
    stats: () => simulator.statistics.show(simulator.limiter),
    calls: (since = 0) => simulator.log.since(since, Number.POSITIVE_INFINITY).map(showCall),
    setFaults: (change) => changeFaults(simulator, change),
    setLimits: (limits) => simulator.limiter.setLimits({ ...simulator.limiter.limits(), ...limits }),
    reset,
    close: (graceMs = 0) => closeSimulator({ app, simulator, listener, graceMs }),
  };
}

function createApp(): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((request, reply) => {
    const error = apiError(404, `Invalid URL (${request.method} ${request.url.split("?")[0]})`);
    return reply.code(404).type("application/json").send(renderError(error));
  });
  app.setErrorHandler((thrown: Error & { statusCode?: number }, _request, reply) => {
    const status = thrown.statusCode ?? 500;
    const error = apiError(status, thrown.message, status >= 500 ? { type: "server_error" } : {});
    return reply.code(status).type("application/json").send(renderError(error));
  });
  return app;
}

async function assemble(options: ResolvedOptions, listener: RefusingListener): Promise<Simulator> {
  return {
    options,
    now: () => performance.now(),
    countTokens: await loadTokenizer(options.tokenizer),
    tape: createTextTape(options.seed, options.tokenizer),
    limiter: createLimiter(options),
    slots: createSlots(options.slots),
    faults: createFaultBook(options.faults.map(readRule), options.errorRate),
    occurrences: createOccurrences(),
    statistics: createStatistics(options.name, options.countHeaders),
    metrics: createEngineMetrics(options.kvBlocks, listedModels({ options })),
    log: createCallLog(options.callLogSize),
    fingerprintKey: createKeyFingerprint(),
    inFlight: new Set(),
    listener,
  };
}

function resetSimulator({ options, limiter, statistics, log, occurrences, faults }: Simulator): void {
  limiter.setLimits(options);
  limiter.reset();
  statistics.reset();
  log.clear();
  occurrences.clear();
  faults.set({ rules: options.faults.map(readRule), errorRate: options.errorRate });
}

interface Closing {
  readonly app: FastifyInstance;
  readonly simulator: Simulator;
  readonly listener: RefusingListener;
  readonly graceMs: number;
}

async function closeSimulator({ app, simulator, listener, graceMs }: Closing): Promise<void> {
  listener.stop();
  const endAt = simulator.now() + graceMs;
  while (simulator.inFlight.size > 0 && simulator.now() < endAt)
    await new Promise((next) => setTimeout(next, 10));
  await app.close();
}

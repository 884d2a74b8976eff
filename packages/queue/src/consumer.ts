import type { Clock, Verdict } from "@sluice/domain";
import { limitErrors, type OnError, type QueueName, type RedisClient } from "@sluice/redis";
import type { Job, Telemetry } from "bullmq";
import { createBrake } from "./brake.ts";
import { asError, beginHandling, carryOut, type DoneValue, type Handling, moveLater } from "./handling.ts";
import { hasWork } from "./has-work.ts";
import { closeWorker, openWorker, type StallRecovery } from "./open-worker.ts";
import { startWatchdog } from "./watchdog.ts";
import { within } from "./within.ts";

/** What a handler has of its consumer. */
export interface HandlerContext {
  /** Fires when the consumer closes and its grace is over. */
  readonly signal: AbortSignal;
  /**
   * Says that the handler only waits and may for long: until it ends, another has its place. A consumer lends as many
   * places as it has, so that it never runs more than twice its concurrency.
   */
  readonly lendPlace: () => void;
}

/** Handles one claimed pointer. */
export type HandleJob = (job: Job, context: HandlerContext) => Promise<Verdict>;

export interface ConsumerOptions {
  /** A worker's connection; shared and left open. The consumer opens one more for its blocking reads. */
  readonly redis: RedisClient;
  readonly queue: QueueName;
  readonly concurrency: number;
  readonly handle: HandleJob;
  readonly stallRecovery: StallRecovery;
  /** Shown on the board as the one who works on a pointer. */
  readonly workerName: string;
  readonly clock: Clock;
  /** Gets at most one error of a kind per 10 s. */
  readonly onError: OnError;
  readonly telemetry?: Telemetry | undefined;
}

/** A running consumer of one queue. */
export interface Consumer {
  setConcurrency(concurrency: number): void;
  /** Handlers that run now. */
  running(): number;
  /** When (ms since 1970) a pointer was last claimed or ended; its start before the first. */
  lastProgressAt(): number;
  /** Claims nothing more; what runs goes on. */
  pause(): void;
  resume(): void;
  /** Replaces BullMQ's worker and its blocking connection; what runs goes on. */
  rebuild(): void;
  /**
   * Claims nothing more, waits up to `graceMs` for handlers, then aborts them, hands back what still runs
   * (with its priority), and closes.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}

const bugDelayMs = 2_000;
const afterAbortMs = 2_000;
const redisMs = 5_000;
const watchEveryMs = 10_000;
const patienceMs = 30_000;

/** Claims pointers of a queue and carries out what the handler says of each. */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { clock, queue } = options;
  const onError = limitErrors(options.onError);
  const handlings = new Set<Handling>();
  const retired = new Set<Promise<void>>();
  let concurrency = options.concurrency;
  let claims = 0;
  let progressAt = clock.now();
  let wanted: "running" | "paused" | "closed" = "running";
  let whenIdle = () => {};

  const brake = createBrake({ clock, onChange: applyState });
  let workerNumber = 0;
  let worker = build();
  let placesSeen = concurrency;
  const stopWatching = startWatchdog({
    clock,
    everyMs: watchEveryMs,
    patienceMs,
    claims: () => claims,
    isIdle: () => wanted === "running" && !brake.isOn() && handlings.size < places(),
    hasWork: () => hasWork(options.redis, queue, clock),
    onStuck() {
      onError(new Error(`the consumer of ${queue.name} stood still beside waiting work and is rebuilt`));
      rebuild();
    },
    onError,
  });

  function build() {
    workerNumber += 1;
    const number = workerNumber;
    const process = (job: Job, token: string) => handle(beginHandling(job, token, number));
    return openWorker({ ...options, concurrency, process, onError: onWorkerError });
  }

  function onWorkerError(error: Error): void {
    onError(error);
    // An answer of Redis, not a lost connection (BullMQ waits by itself then) and not a lost lock.
    if (error.name === "ReplyError") brake.pull();
  }

  function applyState(): void {
    if (wanted === "running" && !brake.isOn()) void worker.resume();
    else void worker.pause(true);
  }

  /** Handlers that may run at once: those that lend their places do not count, up to as many as there are places. */
  function places(): number {
    const lent = [...handlings].filter((handling) => handling.lent).length;
    return concurrency + Math.min(lent, concurrency);
  }

  /** Handlers of replaced workers still fill places. */
  function sharePlaces(): void {
    const older = [...handlings].filter((handling) => handling.workerNumber !== workerNumber).length;
    worker.concurrency = Math.max(1, places() - older);
  }

  /**
   * BullMQ's worker looks how many handlers it may run only when one begins or ends. One whose places were full then,
   * and whose handlers all wait now, would never claim again.
   */
  function lend(handling: Handling): void {
    if (handling.lent || !handlings.has(handling)) return;
    handling.lent = true;
    sharePlaces();
    const own = [...handlings].filter((one) => one.workerNumber === workerNumber);
    const standsStill = own.length >= placesSeen && own.every(({ lent }) => lent);
    if (wanted === "running" && standsStill && handlings.size < places()) rebuild();
  }

  async function handle(handling: Handling): Promise<DoneValue> {
    claims += 1;
    progressAt = clock.now();
    brake.release();
    // A blocked read may still claim one pointer after the worker was told to stop.
    if (wanted !== "running") return carryOut({ kind: "later", at: clock.now() }, handling, onError);
    handlings.add(handling);
    placesSeen = worker.concurrency;
    const verdict = await Promise.race([runHandler(handling), handling.lettingGo]);
    handlings.delete(handling);
    progressAt = clock.now();
    if (handling.lent || handling.workerNumber !== workerNumber) sharePlaces();
    if (handling.workerNumber === workerNumber) placesSeen = worker.concurrency;
    if (handlings.size === 0) whenIdle();
    return carryOut(verdict, handling, onError);
  }

  async function runHandler(handling: Handling): Promise<Verdict> {
    const { job, abort } = handling;
    try {
      return await options.handle(job, { signal: abort.signal, lendPlace: () => lend(handling) });
    } catch (error) {
      // A bug, or a lost database. BullMQ must not count it as the job's failure.
      onError(asError(error));
      return { kind: "later", at: clock.now() + bugDelayMs };
    }
  }

  function rebuild(): void {
    const old = worker;
    worker = build();
    sharePlaces();
    placesSeen = worker.concurrency;
    applyState();
    const closing = closeWorker(old, clock, redisMs).finally(() => retired.delete(closing));
    retired.add(closing);
  }

  async function idleWithin(timeoutMs: number): Promise<boolean> {
    if (handlings.size === 0) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    whenIdle = resolve;
    return within(clock, timeoutMs, promise);
  }

  async function handBack(): Promise<void> {
    const moves = [...handlings].map(({ job, token }) => moveLater(job, token, clock.now(), onError));
    await within(clock, redisMs, Promise.all(moves));
    for (const handling of handlings) handling.letGo();
  }

  return {
    setConcurrency(next) {
      concurrency = next;
      sharePlaces();
    },
    running: () => handlings.size,
    lastProgressAt: () => progressAt,
    pause() {
      if (wanted === "running") wanted = "paused";
      applyState();
    },
    resume() {
      if (wanted === "paused") wanted = "running";
      applyState();
    },
    rebuild,
    async close({ graceMs }) {
      wanted = "closed";
      stopWatching();
      brake.stop();
      applyState();
      if (!(await idleWithin(graceMs))) {
        for (const handling of handlings) handling.abort.abort(new Error("the worker is shutting down"));
        if (!(await idleWithin(afterAbortMs))) await handBack();
      }
      await Promise.all([closeWorker(worker, clock, redisMs), ...retired]);
    },
  };
}

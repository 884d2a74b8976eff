import { type Clock, isId, type JobId, type Verdict } from "@sluice/domain";
import { laneQueue, type OnError, type RedisClient } from "@sluice/redis";
import type { Job, Telemetry } from "bullmq";
import { type Consumer, createConsumer, type HandlerContext } from "./consumer.ts";
import { judgePayload } from "./payload.ts";
import { traceparentOf } from "./queue-telemetry.ts";

/** A pointer as a worker claims it. */
export interface ClaimedPointer {
  readonly jobId: JobId;
  readonly model: string;
  /** Only while queue telemetry is on; the ledger always has the job's own. */
  readonly traceparent: string | undefined;
}

export interface LaneConsumerOptions {
  /** A worker's connection, see `createConsumer`. */
  readonly redis: RedisClient;
  readonly model: string;
  readonly concurrency: number;
  readonly handler: (pointer: ClaimedPointer, context: HandlerContext) => Promise<Verdict>;
  readonly workerName: string;
  readonly clock: Clock;
  readonly onError: OnError;
  readonly telemetry?: Telemetry | undefined;
}

const newerDelayMs = 30_000;

/**
 * Consumes one lane, most urgent pointer first. BullMQ's own recovery of dead workers' jobs is off: it puts
 * them before everything; the dispatcher returns them with their priority.
 */
export function createLaneConsumer(options: LaneConsumerOptions): Consumer {
  const { model, clock, handler } = options;
  return createConsumer({
    redis: options.redis,
    queue: laneQueue(model),
    concurrency: options.concurrency,
    workerName: options.workerName,
    stallRecovery: "dispatcher",
    clock,
    onError: options.onError,
    telemetry: options.telemetry,
    async handle(job, context) {
      const id = job.id ?? "";
      if (!isId("job", id)) return { kind: "failed", code: "invalid_pointer" };
      // During a rolling upgrade a newer process may have added it: leave it to a newer worker.
      if (judgePayload(job.data) === "newer") return { kind: "later", at: clock.now() + newerDelayMs };
      return handler({ jobId: id, model, traceparent: traceparentIn(job) }, context);
    },
  });
}

function traceparentIn(job: Job): string | undefined {
  return traceparentOf(job.opts.telemetry?.metadata);
}

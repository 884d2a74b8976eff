import { randomUUID } from "node:crypto";
import type { Clock, JobId, LanePointer, Verdict } from "@sluice/domain";
import {
  closeRedis,
  connectRedis,
  laneQueue,
  queueKeys,
  type RedisClient,
  type RedisRole,
} from "@sluice/redis";
import type { Telemetry } from "bullmq";
import { type ClaimedPointer, createLaneConsumer, createLanes, type LaneConsumerOptions } from "./index.ts";

export const systemClock: Clock = {
  now: Date.now,
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

/** As `lanePriority` of packages/scheduling, in steps of 10 s. */
const priorityOf = (deadlineAt: number, epochAt: number) => 1 + Math.floor((deadlineAt - epochAt) / 10_000);

export interface Bench {
  readonly errors: Error[];
  readonly model: string;
  open(role: RedisRole): RedisClient;
  lanes(): ReturnType<typeof createLanes>;
  consume(
    handler: LaneConsumerOptions["handler"],
    concurrency?: number,
  ): ReturnType<typeof createLaneConsumer>;
  /** A pointer whose deadline is `minutes` from now. */
  pointer(minutes?: number, more?: Partial<LanePointer>): LanePointer;
  close(): Promise<void>;
}

/** Everything of one test, on a lane of its own. */
export function createBench(url: string, options: { model?: string; telemetry?: Telemetry } = {}): Bench {
  const { model = `m-${randomUUID().slice(0, 8)}`, telemetry } = options;
  const errors: Error[] = [];
  const closers: (() => Promise<unknown>)[] = [];
  const onError = (error: Error) => void errors.push(error);
  const open = (role: RedisRole) => {
    const redis = connectRedis({ url, role, name: `test-${role}`, onError });
    closers.push(() => closeRedis(redis));
    return redis;
  };
  return {
    errors,
    model,
    open,
    lanes() {
      const lanes = createLanes({
        redis: open("producer"),
        clock: systemClock,
        telemetry,
        newGenerationId: randomUUID,
        priorityOf,
      });
      closers.push(() => lanes.close());
      return lanes;
    },
    consume(handler, concurrency = 1) {
      const common = {
        redis: open("worker"),
        clock: systemClock,
        workerName: "wrk_test",
        onError,
        telemetry,
      };
      const consumer = createLaneConsumer({ ...common, model, concurrency, handler });
      closers.push(() => consumer.close({ graceMs: 0 }));
      return consumer;
    },
    pointer: (minutes = 10, more = {}) => ({
      jobId: newJobId(),
      model,
      effectiveDeadlineAt: Date.now() + minutes * 60_000,
      ...more,
    }),
    async close() {
      for (const closer of closers.splice(0).reverse()) await closer();
    },
  };
}

export function newJobId(): JobId {
  return `job_${randomUUID()}`;
}

export const done: Verdict = { kind: "done", reference: "outcome:1" };

/** Waits until `condition` holds; the test's own time-out is the only limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A handler that collects claims and answers each with `verdict`. */
export function collect(verdict: (pointer: ClaimedPointer) => Verdict | Promise<Verdict> = () => done) {
  const claimed: JobId[] = [];
  const handler = async (pointer: ClaimedPointer) => {
    claimed.push(pointer.jobId);
    return verdict(pointer);
  };
  return { claimed, handler };
}

/** Everything that Redis holds of a job, as text. */
export async function hashOf(redis: RedisClient, model: string, id: string): Promise<Record<string, string>> {
  return redis.hgetall(queueKeys(laneQueue(model)).jobPrefix + id);
}

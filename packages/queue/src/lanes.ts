import type { Clock, JobId, LaneDepth, LanePointer, Lanes } from "@sluice/domain";
import { laneQueue, queueKeys, type RedisClient, type RedisGeneration, redisGeneration } from "@sluice/redis";
import type { JobsOptions, Queue, Telemetry } from "bullmq";
import { createQueueInspector, type PointerState } from "./inspect-queue.ts";
import { openQueue } from "./open-queue.ts";
import { payloadV1, pointerName } from "./payload.ts";
import { traceMetadata } from "./queue-telemetry.ts";
import { keptEvents, leastPriority, mostPriority, pipelineSize } from "./settings.ts";

export interface LanesOptions {
  /** A producer's connection, so that a lost Redis is an error at once. */
  readonly redis: RedisClient;
  readonly clock: Clock;
  /** A name for a new data set; used when Redis has none. */
  readonly newGenerationId: () => string;
  /** BullMQ's priority of a deadline in a lane that began at `epochAt`, both in ms: `lanePriority` of packages/scheduling. */
  readonly priorityOf: (effectiveDeadlineAt: number, epochAt: number) => number;
  readonly telemetry?: Telemetry | undefined;
}

/** The lanes on BullMQ, with what closes them. */
export interface BullLanes extends Lanes {
  /** Lets go of the queues; the connection stays open. */
  close(): Promise<void>;
}

/** Makes the producers' side of the lanes. Every method throws when Redis cannot be reached. */
export function createLanes(options: LanesOptions): BullLanes {
  const { redis } = options;
  const lanes = new Map<string, OpenLane>();
  const inspector = createQueueInspector(redis);
  let known: RedisGeneration | undefined;

  async function readGeneration(): Promise<RedisGeneration> {
    known = await redisGeneration(redis, { newId: options.newGenerationId(), now: options.clock.now() });
    return known;
  }

  function lane(model: string): OpenLane {
    const open = lanes.get(model) ?? { queue: openLane(options, model), boundedIn: undefined };
    lanes.set(model, open);
    return open;
  }

  async function addToLane(model: string, pointers: readonly LanePointer[], ahead = 0): Promise<void> {
    const generation = known ?? (await readGeneration());
    await boundEvents(redis, lane(model), model, generation.id);
    for (const part of inParts(pointers)) {
      await lane(model).queue.addBulk(
        part.map((pointer) => toJob(pointer, generation, { ...options, ahead })),
      );
    }
    // Asked after the adding: if the data were lost meanwhile, the pointers are gone or count from the old epoch.
    const now = await readGeneration();
    if (now.id !== generation.id) await replaceInLane(model, pointers);
  }

  async function replaceInLane(model: string, pointers: readonly LanePointer[]): Promise<void> {
    await removeFromLane(
      model,
      pointers.map((pointer) => pointer.jobId),
    );
    await addToLane(model, pointers, returningAhead);
  }

  /** BullMQ's removal checks the lock in the same atomic step, so a pointer in work stays. */
  async function removeFromLane(model: string, ids: readonly JobId[]): Promise<void> {
    const { queue } = lane(model);
    for (const part of inParts(ids)) {
      await Promise.all(part.map((id) => queue.remove(id, { removeChildren: false })));
    }
  }

  return {
    add: (pointers) => eachLane(pointers, (model, group) => addToLane(model, group)),
    replace: (pointers) => eachLane(pointers, replaceInLane),
    remove: removeFromLane,
    async missing(model, jobIds) {
      const missing: JobId[] = [];
      for (const part of inParts(jobIds)) {
        const states = await inspector.states(laneQueue(model), part);
        missing.push(...part.filter((_, index) => isMissing(states[index])));
      }
      return missing;
    },
    unlocked: async (model) => (await inspector.unlocked(laneQueue(model))) as JobId[],
    depth: (model) => depthOf(lane(model).queue),
    generation: async () => (await readGeneration()).id,
    async close() {
      for (const open of lanes.values()) await open.queue.close();
      lanes.clear();
    },
  };
}

function isMissing(state: PointerState | undefined): boolean {
  return state === "none" || state === "ended" || state === "stray";
}

/** A pointer that comes back goes before those of the same urgency that have not run: it had its turn already. */
const returningAhead = 1;

interface OpenLane {
  readonly queue: Queue;
  /** Generation in which the length of its event stream was last bounded. */
  boundedIn: string | undefined;
}

function openLane(options: LanesOptions, model: string): Queue {
  return openQueue({ redis: options.redis, queue: laneQueue(model), telemetry: options.telemetry });
}

async function boundEvents(
  redis: RedisClient,
  open: OpenLane,
  model: string,
  generation: string,
): Promise<void> {
  if (open.boundedIn === generation) return;
  await redis.hset(queueKeys(laneQueue(model)).meta, "opts.maxLenEvents", keptEvents);
  open.boundedIn = generation;
}

function toJob(
  pointer: LanePointer,
  generation: RedisGeneration,
  options: LanesOptions & { readonly ahead: number },
) {
  const priority =
    Math.floor(options.priorityOf(pointer.effectiveDeadlineAt, generation.epochAt)) - options.ahead;
  const delay = Math.max(0, (pointer.notBeforeAt ?? 0) - options.clock.now());
  const opts: JobsOptions = {
    jobId: pointer.jobId,
    priority: Math.min(mostPriority, Math.max(leastPriority, priority)),
    ...(delay > 0 ? { delay } : {}),
    ...(options.telemetry === undefined ? {} : { telemetry: traceOf(pointer) }),
  };
  return { name: pointerName, data: payloadV1, opts };
}

/** The span of whoever adds (often the dispatcher, for hundreds at once) is not the job's parent. */
function traceOf(pointer: LanePointer): NonNullable<JobsOptions["telemetry"]> {
  if (pointer.traceparent === undefined) return { omitContext: true };
  return { metadata: traceMetadata(pointer.traceparent) };
}

async function depthOf(queue: Queue): Promise<LaneDepth> {
  const counts = await queue.getJobCounts("wait", "prioritized", "active", "delayed");
  return {
    waiting: (counts["wait"] ?? 0) + (counts["prioritized"] ?? 0),
    active: counts["active"] ?? 0,
    delayed: counts["delayed"] ?? 0,
  };
}

async function eachLane(
  pointers: readonly LanePointer[],
  act: (model: string, pointers: readonly LanePointer[]) => Promise<void>,
): Promise<void> {
  const byModel = Map.groupBy(pointers, (pointer) => pointer.model);
  await Promise.all([...byModel].map(([model, group]) => act(model, group)));
}

function inParts<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += pipelineSize) parts.push(items.slice(at, at + pipelineSize));
  return parts;
}

import type { JobId, LaneWaker } from "@sluice/domain";
import { laneQueue, type RedisClient } from "@sluice/redis";
import { Job, type Queue } from "bullmq";
import { createQueueInspector } from "./inspect-queue.ts";
import { openQueue } from "./open-queue.ts";
import { payloadV1, pointerName } from "./payload.ts";

/** BullMQ's answer when a job is not delayed (any more). */
const notDelayedCode = -3;

/** Makes what wakes delayed pointers, on any connection that fails at once. Its methods throw when Redis is away. */
export function createLaneWaker(redis: RedisClient): LaneWaker & { close(): Promise<void> } {
  const queues = new Map<string, Queue>();
  const inspector = createQueueInspector(redis);

  function queueOf(model: string): Queue {
    const queue = queues.get(model) ?? openQueue({ redis, queue: laneQueue(model) });
    queues.set(model, queue);
    return queue;
  }

  return {
    async wake(model, jobIds) {
      const queue = queueOf(model);
      const woken = await Promise.all(jobIds.map((id) => promote(queue, id)));
      const others = jobIds.filter((_, index) => woken[index] !== true);
      const states = await inspector.states(laneQueue(model), others);
      return {
        inHand: others.filter((_, index) => states[index] === "locked"),
        gone: others.filter((_, index) => states[index] === "none" || states[index] === "ended"),
      };
    },
    async close() {
      for (const queue of queues.values()) await queue.close();
      queues.clear();
    },
  };
}

/** Whether the pointer was delayed; it then waits with its own priority. */
async function promote(queue: Queue, id: JobId): Promise<boolean> {
  try {
    await new Job(queue, pointerName, payloadV1, {}, id).promote();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === notDelayedCode) return false;
    throw error;
  }
}
